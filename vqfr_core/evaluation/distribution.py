"""FID and KID: how far a set of images is from a reference set, in the features of a network. Lower is better."""

import numpy as np

from ..errors import InputError


def frechet_distance(features: np.ndarray, reference: np.ndarray) -> float:
    """FID of Heusel et al. (NeurIPS 2017): |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), of two Gaussians.

    features, reference: (N, D) and (M, D). Biased upwards for sets that are not much larger than D: compare sets of
    equal size only. Raises InputError for fewer than two pictures.
    """
    first, second = _checked(features, reference)
    mean_gap = first.mean(0) - second.mean(0)
    covariance, other = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    mixed = np.linalg.eigvalsh(root @ other @ root).clip(0)
    return float(mean_gap @ mean_gap + np.trace(covariance) + np.trace(other) - 2 * np.sqrt(mixed).sum())


def kernel_distance(features: np.ndarray, reference: np.ndarray) -> float:
    """KID of Binkowski et al. (ICLR 2018): the unbiased squared MMD with the kernel (x . y / D + 1)^3.

    features, reference: (N, D) and (M, D); all pictures at once rather than the mean over random subsets. About 0 for
    two samples of one distribution, then sometimes negative. Raises InputError for fewer than two pictures.
    """
    first, second = _checked(features, reference)
    n, m = len(first), len(second)
    within, across_reference = _kernel(first, first), _kernel(second, second)
    return float(
        (within.sum() - np.trace(within)) / (n * (n - 1))
        + (across_reference.sum() - np.trace(across_reference)) / (m * (m - 1))
        - 2 * _kernel(first, second).mean()
    )


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    kernel: np.ndarray = (x @ y.T / x.shape[1] + 1) ** 3
    return kernel


def _checked(features: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if min(len(features), len(reference)) < 2:
        raise InputError(f"FID and KID compare sets of pictures; there are {len(features)} and {len(reference)}")
    return features.astype(np.float64), reference.astype(np.float64)
