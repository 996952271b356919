import numpy as np
import pytest
import torch
from PIL import Image, ImageFont

from vqfr_core.cli.draw import draw_grid, fit, flatten_frame, load_font, mask_picture, picture_of, still_of, wrap_text
from vqfr_core.cli.draw import text_size as size_of
from vqfr_core.imageio import Frame, Picture

RED, BLUE = (200, 10, 10), (10, 10, 200)


def flat(color: tuple[int, int, int], width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), color)


def test_the_images_are_in_the_grid_unchanged_and_the_labels_outside():
    grid = draw_grid([[flat(RED, 200, 100), flat(BLUE, 200, 100)]] * 2, ["input", "fidelity 0.5"])
    pixels = np.asarray(grid)
    assert (pixels == RED).all(-1).sum() == (pixels == BLUE).all(-1).sum() == 2 * 200 * 100
    top = int(np.argmax((pixels == RED).all(-1).any(1)))
    assert top > 10 and (pixels[:top] > 150).any()


def test_images_of_a_row_get_one_height():
    pixels = np.asarray(draw_grid([[flat(RED, 50, 40), flat(BLUE, 100, 80)]], ["before", "after"]))
    for color in (RED, BLUE):
        assert (np.abs(pixels.astype(int) - color).max(-1) <= 1).sum() == 100 * 80


def test_rows_have_names_only_when_given():
    rows = [[flat(RED, 100, 100)]] * 2
    plain, named = (np.asarray(draw_grid(rows, ["input"], names)) for names in ((), ("face 0", "face 1")))
    assert plain.shape == named.shape and (plain != named).any()


@pytest.mark.parametrize("width", [200, 512, 4000])
def test_labels_fit_their_column(width):
    name = "some_model, fidelity 0.25"
    pixels = np.asarray(draw_grid([[flat(RED, width, 64), flat(BLUE, width, 64)]], [name, ""]))
    second = int(np.argmax((pixels == BLUE).all(-1).any(0)))
    assert (pixels[:, :second].min(-1) > 150).any() and not (pixels[:, second:].min(-1) > 150).any()


def test_text_is_wrapped_at_spaces():
    font = load_font(14)
    text = wrap_text("0.52  less sure than 0.80 (0.52)", font, size_of("less sure than", font)[0])
    assert text.replace("\n", " ") == "0.52  less sure than 0.80 (0.52)"
    assert len(text.splitlines()) >= 3
    assert size_of(text, font)[1] > 2 * size_of("0.52", font)[1]


def test_an_old_pillow_has_one_size(monkeypatch):
    plain = ImageFont.load_default()

    def old(size=None):
        if size is not None:
            raise TypeError("load_default() takes 0 positional arguments")
        return plain

    monkeypatch.setattr(ImageFont, "load_default", old)
    assert load_font(40) is plain


def test_fit_only_reduces():
    image = flat(RED, 200, 100)
    assert fit(image, 400) is image
    assert fit(image, 50).size == (50, 25)


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
