from collections.abc import Callable

import numpy as np
import pytest

from training.tones import light_from_one_side, recolour

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (48, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("change", [recolour, light_from_one_side])
def test_tones_are_seeded_and_differ(picture: np.ndarray, change: Change) -> None:
    runs = [change(picture, np.random.default_rng(seed)) for seed in (5, 5, 6)]
    assert runs[0].shape == picture.shape and runs[0].dtype == np.uint8
    assert np.array_equal(runs[0], runs[1]) and not np.array_equal(runs[0], runs[2])


def test_most_faces_keep_their_colours_and_light() -> None:
    rng, grey = np.random.default_rng(0), np.full((16, 16, 3), 128, np.uint8)
    found = np.stack([recolour(grey, rng).mean((0, 1)) for _ in range(300)])
    brightness = found.mean(1)
    assert 0.05 < (brightness < 90).mean() < 0.3, "some are dark or faded"
    assert 100 < np.median(brightness) < 156
    assert np.abs(found - brightness[:, None]).max() < 45, "none has a hue that no light gives"


def test_light_is_on_one_side_and_leaves_the_middle() -> None:
    plane = np.full((65, 65, 3), 100, np.uint8)
    for seed in range(20):
        lit = light_from_one_side(plane, np.random.default_rng(seed)).astype(float)
        assert abs(lit[32, 32, 0] - 100) <= 1
        assert lit.max() - lit.min() > 15 and lit.min() >= 100 * (1 - 0.45 * 2**0.5) - 1
        assert abs(lit[0, 0, 0] - 100 + lit[-1, -1, 0] - 100) <= 2, "as much brighter as darker"
