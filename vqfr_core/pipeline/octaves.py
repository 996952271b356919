"""Split a picture into octaves of detail by the à trous scheme with the B3 spline (Starck and Murtagh)."""

from torch import Tensor
from torch.nn import functional as F


def split_octaves(planes: Tensor, count: int) -> list[Tensor]:
    """Differences of successive blurs of (C, h, w), finest first; both sides at least 2 ** count + 1 px."""
    bands = []
    for octave in range(count):
        smooth = spline_blur(planes, 2**octave)
        bands.append(planes - smooth)
        planes = smooth
    return bands


def spline_blur(planes: Tensor, step: int) -> Tensor:
    """(C, h, w) blurred by the spline whose taps are step pixels apart."""
    for dim in (-1, -2):
        pad = (2 * step, 2 * step, 0, 0) if dim == -1 else (0, 0, 2 * step, 2 * step)
        wide = F.pad(planes[None], pad, mode="reflect")[0]
        taps = [wide.narrow(dim, k * step, planes.shape[dim]) for k in range(5)]
        planes = (taps[0] + taps[4]) / 16 + (taps[1] + taps[3]) / 4 + taps[2] * 0.375
    return planes
