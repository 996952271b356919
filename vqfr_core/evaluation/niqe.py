"""NIQE: how far an image's statistics are from those of natural pictures. Lower is better; needs no original.

Mittal, Soundararajan, Bovik, "Making a 'Completely Blind' Image Quality Analyzer", IEEE SPL 2013, with the authors'
model of natural pictures (`niqe_pris_params.npz`). As usual for faces: ITU-R BT.601 luma in 16 to 235, rounded;
blocks of 96 pixels; two scales.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError
from ..luma import luma

BLOCK_PX = 96
_ROUNDING = 1e-9
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))


class Niqe:
    """The distance of an image's features from the model of natural pictures."""

    def __init__(self, parameters: Path) -> None:
        """parameters: .npz with mean (1, 36) and covariance (36, 36) of the model, and the 7 x 7 window."""
        with np.load(parameters) as file:
            self._mean, self._covariance = file["mu_pris_param"][0], file["cov_pris_param"]
            self._window = torch.from_numpy(file["gaussian_window"]).double()

    def __call__(self, image: Tensor) -> float:
        """NIQE of RGB in [0, 1], (3, H, W), of at least two blocks. Raises InputError."""
        features = block_features(video_luma(image), self._window)
        complete = features[~np.isnan(features).any(1)]  # a block without texture has no distribution
        if len(complete) < 2:
            raise InputError(f"NIQE needs two blocks of {BLOCK_PX} px with some texture; the image has {len(complete)}")
        difference = self._mean - np.nanmean(features, 0)
        pooled = (self._covariance + np.cov(complete, rowvar=False)) / 2
        return float(np.sqrt(difference @ np.linalg.pinv(pooled) @ difference))


def video_luma(image: Tensor) -> Tensor:
    """BT.601 luma in integer steps from 16 to 235, float64 (H, W), of RGB in [0, 1], (3, H, W)."""
    return (16 + 219 * luma(image.double().cpu())[0]).round()


def block_features(gray: Tensor, window: Tensor) -> np.ndarray:
    """36 features of each whole block, 18 at full and 18 at half size: float64 (blocks, 36).

    gray: float64 (H, W) in [0, 255]. window: weights for local mean and deviation, (7, 7).
    """
    height, width = (side // BLOCK_PX * BLOCK_PX for side in gray.shape)
    gray = gray[:height, :width]
    scales = [(gray, BLOCK_PX), (_half_size(gray), BLOCK_PX // 2)]
    return np.concatenate([_features(_blocks(normalize(x, window), side)) for x, side in scales], axis=1)


def normalize(gray: Tensor, window: Tensor) -> Tensor:
    """The image less its local mean, over its local deviation plus 1 (equation 1 of the paper), (H, W)."""
    pad = window.shape[0] // 2
    both = F.pad(torch.stack([gray, gray.square()])[:, None], (pad,) * 4, mode="replicate")
    mean, mean_square = F.conv2d(both, window[None, None])[:, 0].unbind()
    difference = gray - mean
    # It is 0 in flat areas, and rounding must not give it a sign: the fit counts pixels on either side of 0.
    difference = torch.where(difference.abs() < _ROUNDING, 0.0, difference)
    return difference / ((mean_square - mean.square()).abs().sqrt() + 1)


def _half_size(gray: Tensor) -> Tensor:
    """Halve the size: cubic (a = -0.5), antialiased, mirrored at the edges with the edge pixel repeated."""
    pad = 8  # the kernel reaches 4 pixels
    for axis in (0, 1):
        ends = gray.narrow(axis, 0, pad), gray.narrow(axis, gray.shape[axis] - pad, pad)
        gray = torch.cat([ends[0].flip(axis), gray, ends[1].flip(axis)], axis)
    size = gray.shape[0] // 2, gray.shape[1] // 2
    halved = F.interpolate(gray[None, None], size=size, mode="bicubic", antialias=True)[0, 0]
    return halved[pad // 2 : -pad // 2, pad // 2 : -pad // 2]


def _blocks(image: Tensor, side: int) -> Tensor:
    """(H, W) -> (blocks, side, side)."""
    return image.unfold(0, side, side).unfold(1, side, side).reshape(-1, side, side)


def _features(blocks: Tensor) -> np.ndarray:
    """Shape and spread of the pixels' distribution, then of the products of neighbours (equations 3 to 8), (N, 18)."""
    shape, left, right = _fit_asymmetric_gaussian(blocks)
    columns = [shape, (left + right) / 2]
    for shift in _NEIGHBOURS:
        shape, left, right = _fit_asymmetric_gaussian(blocks * blocks.roll(shift, (1, 2)))
        mean = (right - left) * (torch.lgamma(2 / shape) - torch.lgamma(1 / shape)).exp()
        columns += [shape, mean, left, right]
    return torch.stack(columns, 1).numpy()


def _fit_asymmetric_gaussian(blocks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shape, left and right scale of the asymmetric generalised Gaussian with the blocks' moments, (N,) each."""
    x = blocks.flatten(1)
    square = x.square()
    left, right = ((square * side).sum(1).div(side.sum(1)).sqrt() for side in (x < 0, x > 0))
    ratio = left / right
    r = x.abs().mean(1).square() / square.mean(1) * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1).square()
    shapes, expected = _shape_table()
    shape = shapes[(expected - r[:, None]).square().argmin(1)]
    scale = ((torch.lgamma(1 / shape) - torch.lgamma(3 / shape)) / 2).exp()
    return torch.where(r.isnan(), r, shape), left * scale, right * scale


@lru_cache
def _shape_table() -> tuple[Tensor, Tensor]:
    """Shapes from 0.2 to 10, and the squared mean magnitude over the mean square that a distribution of each has."""
    shapes = torch.arange(200, 10001, dtype=torch.float64) / 1000
    first, second, third = (torch.lgamma(k / shapes) for k in (1, 2, 3))
    return shapes, (2 * second - first - third).exp()
