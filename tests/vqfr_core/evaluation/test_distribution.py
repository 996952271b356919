import numpy as np
import pytest

from vqfr_core.errors import InputError
from vqfr_core.evaluation.distribution import frechet_distance, kernel_distance


def test_frechet_distance_of_gaussians_with_known_moments(rng):
    """|m1 - m2|^2 + sum (s1 - s2)^2 for independent features."""
    white = rng.normal(size=(400, 4))
    white = (white - white.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(white.T))).T  # exactly unit covariance
    first, second = white * (1, 2, 3, 4) + (0, 0, 0, 1), white * (2, 2, 1, 4) + (3, 0, 0, 1)
    assert frechet_distance(first, second) == pytest.approx(9 + 1 + 4)


def test_frechet_distance_of_a_set_from_itself(rng):
    few = rng.normal(size=(10, 40))  # fewer pictures than features
    assert frechet_distance(few, few) == pytest.approx(0.0, abs=1e-4)


def test_kernel_distance_by_hand():
    """Two features: k(x, y) = (x . y / 2 + 1)^3."""
    first, second = np.array([[0.0, 0], [2, 0]]), np.array([[0.0, 2], [2, 2]])
    # Within the first: k = 1. Within the second: (4 / 2 + 1)^3 = 27. Across: 1, 1, 1, 27.
    assert kernel_distance(first, second) == pytest.approx(1 + 27 - 2 * (1 + 1 + 1 + 27) / 4)


def test_kernel_distance_of_shifted_gaussians(rng):
    """The kernel's expectation over two Gaussians, from the moments of x . y, for one feature: (x y + 1)^3."""
    shift = 1.5
    first, second = rng.normal(size=(2000, 1)), rng.normal(shift, 1, size=(2000, 1))

    def moments(mean: float) -> tuple[float, float, float]:
        return mean, mean**2 + 1, mean**3 + 3 * mean

    def expected(a: float, b: float) -> float:
        return sum(n * x * y for n, x, y in zip((3, 3, 1), moments(a), moments(b), strict=True)) + 1

    wanted = expected(0, 0) + expected(shift, shift) - 2 * expected(0, shift)
    assert kernel_distance(first, second) == pytest.approx(wanted, rel=0.1)


def test_kernel_distance_is_about_zero_for_one_distribution(rng):
    same = [kernel_distance(rng.normal(size=(60, 8)), rng.normal(size=(60, 8))) for _ in range(30)]
    shifted = kernel_distance(rng.normal(size=(60, 8)), rng.normal(1.0, 1, size=(60, 8)))
    assert abs(np.mean(same)) < 0.1 < shifted


def test_one_picture_is_no_set(rng):
    with pytest.raises(InputError, match="sets of pictures"):
        kernel_distance(rng.normal(size=(1, 8)), rng.normal(size=(5, 8)))
