import numpy as np
import pytest
import torch
from scipy import ndimage, optimize, special

from vqfr_core.errors import InputError
from vqfr_core.evaluation.niqe import Niqe, block_features, video_luma
from vqfr_core.evaluation.weights import MetricFolder

WINDOW = np.exp(-(np.arange(-3, 4)[:, None] ** 2 + np.arange(-3, 4)[None] ** 2) / (2 * (7 / 6) ** 2))
WINDOW /= WINDOW.sum()


def fit(x: np.ndarray) -> tuple[float, float, float]:
    """The asymmetric generalised Gaussian by solving for its shape, not by a table."""
    left, right = np.sqrt(np.mean(x[x < 0] ** 2)), np.sqrt(np.mean(x[x > 0] ** 2))
    g = left / right
    wanted = np.mean(np.abs(x)) ** 2 / np.mean(x**2) * (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
    gap = lambda a: special.gamma(2 / a) ** 2 / special.gamma(1 / a) / special.gamma(3 / a) - wanted  # noqa: E731
    shape = optimize.brentq(gap, 0.2, 10)
    scale = np.sqrt(special.gamma(1 / shape) / special.gamma(3 / shape))
    return shape, left * scale, right * scale


def features(block: np.ndarray) -> list[float]:
    shape, left, right = fit(block)
    found = [shape, (left + right) / 2]
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = fit(block * np.roll(np.roll(block, down, 0), across, 1))
        found += [shape, (right - left) * special.gamma(2 / shape) / special.gamma(1 / shape), left, right]
    return found


def halved(gray: np.ndarray) -> np.ndarray:
    """Cubic, a = -0.5, stretched to twice its width, as a matrix for each axis."""

    def matrix(n: int) -> np.ndarray:
        m = np.zeros((n // 2, n))
        for row in range(n // 2):
            middle = 2 * row + 0.5
            for column in range(2 * row - 4, 2 * row + 6):
                t = abs(column - middle) / 2
                near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
                inside = -1 - column if column < 0 else 2 * n - 1 - column if column >= n else column
                m[row, inside] += near if t <= 1 else far if t <= 2 else 0
        return m / m.sum(1, keepdims=True)

    return matrix(gray.shape[0]) @ gray @ matrix(gray.shape[1]).T


def normalized(gray: np.ndarray) -> np.ndarray:
    mean = ndimage.correlate(gray, WINDOW, mode="nearest")
    deviation = np.sqrt(np.abs(ndimage.correlate(gray**2, WINDOW, mode="nearest") - mean**2))
    return (gray - mean) / (deviation + 1)


def independent_features(gray: np.ndarray) -> np.ndarray:
    columns = []
    for image, side in ((gray, 96), (halved(gray), 48)):
        x = normalized(image)
        blocks = [(i, j) for i in range(0, x.shape[0], side) for j in range(0, x.shape[1], side)]
        columns.append([features(x[i : i + side, j : j + side]) for i, j in blocks])
    return np.concatenate([np.array(c) for c in columns], axis=1)


def textured(rng: np.random.Generator, size: tuple[int, int] = (192, 288)) -> np.ndarray:
    return np.rint(np.clip(128 + 400 * ndimage.gaussian_filter(rng.normal(0, 1, size), 1.5), 16, 235))


def test_features_against_an_independent_computation(rng):
    gray = textured(rng)
    ours = block_features(torch.from_numpy(np.pad(gray, ((0, 5), (0, 7)))), torch.from_numpy(WINDOW))
    np.testing.assert_allclose(ours, independent_features(gray), atol=2e-3)  # shapes come in steps of 0.001


def test_distance_against_an_independent_computation(rng, tmp_path):
    gray = textured(rng)
    mean, root = rng.normal(1, 1, 36), rng.normal(0, 0.3, (36, 36))
    covariance = root @ root.T + np.eye(36)
    path = tmp_path / "parameters.npz"
    np.savez(path, mu_pris_param=mean[None], cov_pris_param=covariance, gaussian_window=WINDOW)
    own = independent_features(gray)
    gap = own.mean(0) - mean
    expected = np.sqrt(gap @ np.linalg.inv((covariance + np.cov(own.T)) / 2) @ gap)
    image = torch.from_numpy((gray - 16) / 219).expand(3, -1, -1)
    assert Niqe(path)(image) == pytest.approx(expected, abs=0.01)


def test_luma_of_black_white_and_colours():
    colours = torch.eye(3)[:, None]  # red, green, blue
    assert video_luma(colours).tolist() == [[81.0, 145.0, 41.0]]
    assert video_luma(torch.tensor([0.0, 1.0]).expand(3, 1, 2)).tolist() == [[16.0, 235.0]]


def test_an_image_without_texture_is_refused(tmp_path):
    path = tmp_path / "parameters.npz"
    np.savez(path, mu_pris_param=np.zeros((1, 36)), cov_pris_param=np.eye(36), gaussian_window=WINDOW)
    with pytest.raises(InputError, match="two blocks"):
        Niqe(path)(torch.full((3, 192, 192), 0.5))


def test_against_the_value_of_the_usual_implementation(metric_weights, face):
    """13.3054 is what the computation of VQFR's scripts gives for this picture, with the published parameters.

    They differ in flat places, where rounding alone decides there on which side of 0 a pixel is.
    """
    assert Niqe(MetricFolder(metric_weights).find("niqe"))(face) == pytest.approx(13.3054, abs=0.02)
