import torch
from PIL import Image

from vqfr_core.pictures import Frame, Picture
from vqfr_core.pictures.stills import flatten_frame, mask_picture, picture_of, still_of

RED = (200, 10, 10)


def flat(color: tuple[int, int, int], width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), color)


def test_pictures_from_drawings_and_masks():
    frames = (Frame(torch.zeros(3, 4, 5), torch.zeros(1, 4, 5), 40.0), Frame(torch.ones(3, 4, 5), None, 50.0))
    picture = Picture(frames, icc_profile=bytes(16) + b"RGB " + bytes(108), loop=3)
    assert still_of(picture, 1).frames == frames[1:]
    assert flatten_frame(frames[0]).getpixel((0, 0)) == (255, 255, 255)
    assert picture_of(flat(RED, 5, 4), picture).icc_profile == picture.icc_profile
    gray = Picture(frames, is_gray=True, icc_profile=bytes(16) + b"GRAY" + bytes(108))
    assert picture_of(flat(RED, 5, 4), gray).icc_profile is None
    masks = mask_picture([torch.full((1, 4, 5), 0.5)] * 2, picture)
    assert (masks.is_gray, masks.loop, [f.duration_ms for f in masks.frames]) == (True, 3, [40.0, 50.0])
