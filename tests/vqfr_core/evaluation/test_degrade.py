import numpy as np
import pytest

from vqfr_core.evaluation.degrade import LEVELS, degrade_level


def picture(side: int = 96) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize("level", list(LEVELS))
def test_the_same_seed_gives_the_same_bytes(level: str) -> None:
    first = degrade_level(picture(), level, 7)
    assert first.shape == (96, 96, 3) and first.dtype == np.uint8
    assert np.array_equal(first, degrade_level(picture(), level, 7))
    assert not np.array_equal(first, degrade_level(picture(), level, 8))


def test_levels_grow_in_severity() -> None:
    smooth = np.tile(np.linspace(0, 255, 96).astype(np.uint8)[None, :, None], (96, 1, 3))
    smooth[40:56, 40:56] = 255 - smooth[40:56, 40:56]
    errors = [
        np.mean([np.square(degrade_level(smooth, level, s).astype(float) - smooth).mean() for s in range(5)])
        for level in LEVELS
    ]
    assert errors == sorted(errors) and errors[0] > 0


def test_colours_keep_their_order() -> None:
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 200
    mean = degrade_level(red, "light", 0).mean((0, 1))
    assert mean[0] > 150 and mean[1] < 30 and mean[2] < 30
