import numpy as np
import pytest
import torch
from PIL import Image

from vqfr_core.drawing.sheet import draw_grid, draw_sweep, fit
from vqfr_core.pipeline.align import aligned_crop
from vqfr_core.types import Face

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


def test_fit_only_reduces():
    image = flat(RED, 200, 100)
    assert fit(image, 400) is image
    assert fit(image, 50).size == (50, 25)


def test_a_sweep_shows_each_face_at_each_fidelity():
    crops = [aligned_crop(torch.full((3, 512, 512), value)) for value in (0.0, 0.2)]
    faces = [
        [
            Face(crop.detection, number, crop=crop, restored=torch.full((3, 512, 512), value))
            for number, crop in enumerate(crops)
        ]
        for value in (0.4, 0.6, 0.8)
    ]
    grid = draw_sweep(faces, [0, 0.5, 1])
    pixels = np.asarray(grid)
    assert 4 * 512 < grid.width < 4.3 * 512 and 2 * 512 < grid.height < 2.4 * 512
    for value, at_least in ((0.4, 1.9), (0.6, 1.9), (0.8, 1.9), (0.2, 0.9), (0.0, 0.9)):
        assert (pixels == round(255 * value)).all(-1).sum() > at_least * 512 * 512
