"""PSNR and SSIM: how close the pixels of two images are. Higher is better; over all three colour channels."""

import math

import torch
from torch import Tensor

from ..errors import InputError

_SMALLEST_MSE = 1e-10
_WINDOW_PX, _SIGMA_PX = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def psnr(image: Tensor, original: Tensor) -> float:
    """Peak signal-to-noise ratio in dB, -10 log10 of the mean squared error; 100 at most, for equal images.

    image, original: RGB in [0, 1], (3, H, W).
    """
    mse = (image.double() - original.double()).square().mean().clamp(min=_SMALLEST_MSE)
    return float(-10 * mse.log10())


def ssim(image: Tensor, original: Tensor) -> float:
    """Structural similarity, at most 1 (Wang et al., IEEE TIP 2004, equation 13).

    Gaussian window of 11 pixels and sigma 1.5, K1 = 0.01, K2 = 0.03; mean over channels and over positions where the
    window fits the image, as in the authors' code. (torchmetrics 1.9 also counts mirrored edges.) image, original: RGB
    in [0, 1], (3, H, W) with sides of at least 11. Raises InputError for smaller ones.
    """
    if min(image.shape[1:]) < _WINDOW_PX:
        raise InputError(f"SSIM needs sides of at least {_WINDOW_PX} px, got {tuple(image.shape)}")
    x, y = image.double(), original.double()
    mean_x, mean_y, xx, yy, xy = (_local_mean(z) for z in (x, y, x * x, y * y, x * y))
    product, squares = mean_x * mean_y, mean_x.square() + mean_y.square()
    structure = (2 * (xy - product) + _C2) / (xx + yy - squares + _C2)
    return float(((2 * product + _C1) / (squares + _C1) * structure).mean())


def match_colours(image: Tensor, original: Tensor) -> Tensor:
    """The image with each channel's mean and standard deviation those of the original, (3, H, W), not clamped.

    VQFR's scripts do this before PSNR and SSIM unless told otherwise (metric_paper/calculate_psnr_ssim.py,
    correct_mean_var), so published numbers may include it.
    """
    (mean, std), (wanted_mean, wanted_std) = (
        (x.mean((1, 2), keepdim=True), x.std((1, 2), keepdim=True, correction=0)) for x in (image, original)
    )
    return (image - mean) / std.clamp(min=1e-6) * wanted_std + wanted_mean


def _local_mean(planes: Tensor) -> Tensor:
    """The Gaussian mean around each pixel whose window fits: (3, H, W) -> (3, H - 10, W - 10)."""
    weights = [math.exp(-((i - _WINDOW_PX // 2) ** 2) / (2 * _SIGMA_PX**2)) for i in range(_WINDOW_PX)]
    for axis in (1, 2):  # sums of shifted planes: convolutions in float64 are ten times slower on a CPU
        size = planes.shape[axis] - _WINDOW_PX + 1
        total = torch.zeros_like(planes.narrow(axis, 0, size))
        for offset, weight in enumerate(weights):
            total.add_(planes.narrow(axis, offset, size), alpha=weight / sum(weights))
        planes = total
    return planes
