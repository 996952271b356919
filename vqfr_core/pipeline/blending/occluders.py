"""Find what covers a face without a parser: where the restored face is something else than the input.

A hand, a microphone or writing that the network turned into face differs from the face in colour over an area, far more
than the rest of the face does. Thin things do not count: the network is meant to remove scratches.
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from ...types import Face
from .border import smooth_step

_CELLS = 128
"""Compared on a grid of this many cells along each side (4 px of 512)."""
_REACH_CELLS = 2
"""A cell is the median of those up to this far away: what is narrower than 12 px of 512 disappears."""
_RIM_CELLS = 2
"""How far around a covered cell the input stays: its edges, and the width of the median."""
_TIMES_USUAL = 3.0
"""A difference this many times the face's median difference counts."""
_LEAST = 34 / 255
"""And one this large: the length of the difference in RGB."""

_RAMP = 0.5
"""How far beyond, relatively, it counts in full."""
_LEAST_SHARE = 0.01
"""Less of the face than this is no object in front of it."""


def spare_occluders(face: Face) -> Face:
    """The restored face with a mask that leaves out what covers it; the same face if nothing does."""
    if face.crop is None or face.restored is None or face.mask is None:
        return face
    mask = face.mask * uncovered(face.crop.image, face.restored, face.mask).to(face.mask)
    is_covered = float(mask.sum()) < (1 - _LEAST_SHARE) * float(face.mask.sum())
    return replace(face, mask=mask) if is_covered else face


def uncovered(crop: Tensor, restored: Tensor, mask: Tensor) -> Tensor:
    """Where the restored face may replace the input: float32 (1, S, S) in [0, 1], 0 on what covers the face.

    crop, restored: (3, S, S) RGB in [0, 1]; mask: (1, S, S), where the face is. A cast of all of it does not count.
    """
    grid = (min(_CELLS, mask.shape[-1]),) * 2
    inside = F.adaptive_avg_pool2d(mask.float(), grid)[0] > 0.5
    if not bool(inside.any()):
        return torch.ones_like(mask)
    difference = F.adaptive_avg_pool2d((crop - restored.to(crop)).float(), grid)
    cast = difference[:, inside].median(dim=1).values
    broad = _median_filter(difference - cast[:, None, None]).norm(dim=0)
    limit = max(_LEAST, _TIMES_USUAL * float(broad[inside].median()))
    covered = smooth_step((broad / limit - 1) / _RAMP)[None]
    side = 2 * _RIM_CELLS + 1
    wide = F.max_pool2d(covered, side, stride=1, padding=_RIM_CELLS)
    soft = F.avg_pool2d(wide, side, stride=1, padding=_RIM_CELLS, count_include_pad=False)
    return 1 - F.interpolate(soft[None], mask.shape[1:], mode="bilinear", align_corners=False)[0]


def _median_filter(planes: Tensor) -> Tensor:
    """The median of (C, h, w) in a window around each cell."""
    side = 2 * _REACH_CELLS + 1
    padded = F.pad(planes[None], (_REACH_CELLS,) * 4, mode="reflect")[0]
    windows = padded.unfold(1, side, 1).unfold(2, side, 1).flatten(3)
    return windows.median(dim=3).values
