"""A GIF outside the faces: every colour stays, in the frames as they are shown."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vqfr_core.pictures import read_picture, to_array, write_picture
from vqfr_core.pictures.gif_palette import with_palette
from vqfr_core.pictures.losses import collect_losses


def drawing(num_colors: int, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    table = rng.integers(0, 256, (num_colors, 3), np.uint8)
    return Image.fromarray(table[rng.integers(0, num_colors, (40, 60))])


@pytest.mark.parametrize("num_colors", [5, 200, 256])
@pytest.mark.parametrize("num_frames", [1, 3])
@pytest.mark.parametrize("clear", [False, True])
def test_pixels_that_did_not_change_keep_their_colour(
    tmp_path: Path, num_colors: int, num_frames: int, clear: bool
) -> None:
    stills = [drawing(num_colors - clear, seed) for seed in range(num_frames)]
    if clear:
        for still in stills:
            still.putalpha(255)
            still.paste((0, 0, 0, 0), (0, 0, 10, 10))
    stills[0].save(tmp_path / "a.gif", save_all=True, append_images=stills[1:], duration=[70] * num_frames, disposal=2)
    source = read_picture(tmp_path / "a.gif")
    ramp = torch.linspace(0, 1, 20).expand(3, 20, 20) * torch.tensor([1.0, 0.7, 0.4]).view(3, 1, 1)
    changed = []
    for image in source.images:
        copy = image.clone()
        copy[:, 15:35, 30:50] = ramp
        changed.append(copy)
    write_picture(source.with_images(changed), tmp_path / "b.gif")
    result = read_picture(tmp_path / "b.gif")
    assert [frame.duration_ms for frame in result.frames] == [frame.duration_ms for frame in source.frames]
    outside = np.ones((40, 60), bool)
    outside[15:35, 30:50] = False
    for before, after, wanted in zip(source.frames, result.frames, changed, strict=True):
        shown = outside if before.alpha is None else outside & (before.alpha[0].numpy() > 0.5)
        np.testing.assert_array_equal(to_array(after.image)[shown], to_array(before.image)[shown])
        if before.alpha is not None:
            assert torch.equal(before.alpha, after.alpha)
        error = (after.image - wanted)[:, 15:35, 30:50].abs().mean()
        assert error < (0.03 if num_colors < 240 else 0.15)


def test_new_colours_take_the_room_that_is_left() -> None:
    array = np.asarray(drawing(250)).copy()
    known = np.unique(array.reshape(-1, 3).astype(np.uint32) @ np.array([65536, 256, 1], np.uint32))
    array[:8, :8] = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    image = with_palette(array, known)
    assert image.mode == "P" and np.asarray(image).max() < 256
    np.testing.assert_array_equal(np.asarray(image.convert("RGB"))[8:], array[8:])


def test_of_too_many_colours_the_most_used_stay() -> None:
    rare = np.arange(100, dtype=np.uint8)
    often = np.tile(np.arange(256, dtype=np.uint8)[56:], 2)
    array = np.stack([np.concatenate([rare * 0, often]), *[np.concatenate([rare, often])] * 2], -1)[None]
    known = np.unique(array[0].astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32))
    with collect_losses() as losses:
        result = np.asarray(with_palette(array, known).convert("RGB"))
    assert (result[:, 100:] == array[:, 100:]).all() and (result != array).any()
    assert [loss.text for loss in losses] == [
        "a GIF frame holds 256 colours, and one had more: pixels outside the faces changed, too"
    ]
