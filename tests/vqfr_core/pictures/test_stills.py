import torch
from PIL import Image

from vqfr_core.pictures import Frame, Picture, open_picture, write_picture
from vqfr_core.pictures.stills import first_frame, flatten_frame, picture_of

RED = (200, 10, 10)


def flat(color: tuple[int, int, int], width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), color)


def test_pictures_from_drawings():
    frames = (Frame(torch.zeros(3, 4, 5), torch.zeros(1, 4, 5), 40.0), Frame(torch.ones(3, 4, 5), None, 50.0))
    picture = Picture(frames, icc_profile=bytes(16) + b"RGB " + bytes(108), loop=3)
    assert flatten_frame(frames[0]).getpixel((0, 0)) == (255, 255, 255)
    assert picture_of(flat(RED, 5, 4), picture).icc_profile == picture.icc_profile
    gray = Picture(frames, is_gray=True, icc_profile=bytes(16) + b"GRAY" + bytes(108))
    assert picture_of(flat(RED, 5, 4), gray).icc_profile is None


def test_the_first_frame_keeps_what_the_file_says(tmp_path):
    frames = [Frame(torch.full((3, 4, 5), value), None, 40.0) for value in (0.0, 1.0)]
    write_picture(Picture(frames, loop=3, text={"a": "b"}), tmp_path / "a.png")
    with open_picture(tmp_path / "a.png") as file:
        still = first_frame(file)
    assert (len(still.frames), still.loop, dict(still.text)) == (1, 3, {"a": "b"})
    assert torch.equal(still.images[0], frames[0].image)
