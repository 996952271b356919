"""Give a restored face its input's colours without the input's blur.

Only broad differences are matched: the difference of the two pictures, smoothed over a tenth of the face, is added.
Everything finer (edges, pores, lashes) is the restored face's own. This is linear, so it works the same in RGB as in
any space derived from it by a matrix, and does not tint what already agrees.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import InputError
from ...luma import luma

_SMOOTHING = 1 / 16
"""Standard deviation of the smoothing, as a fraction of the picture's longer side (32 px of 512)."""
_GRID = 64
"""The difference is smoothed on a grid of about this many cells along the longer side: it has no finer detail."""
_PRIOR = 0.02
"""Weight of the mean over the whole mask at a point, relative to a mask that fully covers the point."""
_GREY_TOLERANCE = 0.5 / 255


def match_colour(restored: Tensor, source: Tensor, mask: Tensor, strength: float) -> Tensor:
    """Match the source's colours inside the mask.

    restored, source: (3, h, w) RGB in [0, 1]; mask: (1, h, w) in [0, 1]; strength in [0, 1], 0 leaves colours alone.
    A grey source (within the mask) gives an exactly neutral result, R = G = B, at every strength. Returns float32
    (3, h, w) in [0, 1] on the device of restored. Raises InputError if the shapes or the strength do not fit.
    """
    if restored.ndim != 3 or restored.shape[0] != 3 or source.shape != restored.shape:
        shapes = f"{tuple(restored.shape)} and {tuple(source.shape)}"
        raise InputError(f"colour match: both pictures need the same shape (3, h, w), got {shapes}")
    if mask.shape != (1, *restored.shape[1:]):
        raise InputError(f"colour match: the mask needs (1, h, w) like the pictures, got {tuple(mask.shape)}")
    if not 0.0 <= strength <= 1.0:
        raise InputError(f"colour match: strength {strength} is outside 0 to 1")
    restored = restored.float()
    source, mask = source.to(restored), mask.to(restored).clamp(0, 1)
    if is_grey(source, mask):
        grey = _shift(luma(restored), source[:1], mask, strength)
        return grey.expand(3, -1, -1).contiguous()
    return _shift(restored, source, mask, strength)


def is_grey(image: Tensor, mask: Tensor) -> bool:
    """Whether R, G and B of the image (3, h, w) agree where the mask (1, h, w) is not 0; everywhere if it is all 0."""
    spread = image.amax(dim=0) - image.amin(dim=0)
    inside = mask[0] > 0
    spread = torch.where(inside | ~inside.any(), spread, torch.zeros_like(spread))
    return bool(spread.max() <= _GREY_TOLERANCE)


def _shift(restored: Tensor, source: Tensor, mask: Tensor, strength: float) -> Tensor:
    if strength == 0.0 or not bool((mask > 0).any()):
        return restored.clamp(0, 1)
    return (restored + strength * _broad_mean(source - restored, mask)).clamp(0, 1)


def _broad_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of values (C, h, w) around each pixel, weighted by the mask; far from the mask the mean over all of it."""
    height, width = values.shape[1:]
    cell = max(1.0, max(height, width) / _GRID)
    grid = (max(1, round(height / cell)), max(1, round(width / cell)))
    weighted = F.adaptive_avg_pool2d(torch.cat([values * mask, mask]), grid)
    total = weighted.sum(dim=(1, 2))
    mean = (total[:-1] / total[-1].clamp_min(1e-30))[:, None, None]
    smooth = _gaussian(weighted, _SMOOTHING * max(grid))
    local = (smooth[:-1] + _PRIOR * mean) / (smooth[-1:] + _PRIOR)
    return F.interpolate(local[None], (height, width), mode="bicubic", align_corners=False)[0]


def _gaussian(planes: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (C, h, w), as matrix products; the outside counts as 0."""
    for dim in (-1, -2):
        axis = torch.arange(planes.shape[dim], dtype=planes.dtype, device=planes.device)
        kernel = torch.exp(-0.5 * ((axis[:, None] - axis[None, :]) / sigma) ** 2) / (sigma * (2 * torch.pi) ** 0.5)
        planes = planes @ kernel if dim == -1 else kernel @ planes
    return planes
