"""The crop's border, where every mask is 0, so that no resampling kernel reaches the crop's edge."""

import torch
from torch import Tensor

_RIM_FRACTION = 1 / 64
"""The fraction of the crop at its edge that is always 0 (8 px of 512)."""
_FADE_FRACTION = 1 / 32
"""Beyond the rim a mask ramps up, over this fraction of the crop (16 px of 512)."""


def border_window(size_px: int, inset_px: int = 0) -> Tensor:
    """float32 (size_px, size_px): 0 in the crop's rim and inset_px further in, then a short smooth ramp to 1."""
    axis = torch.arange(size_px, dtype=torch.float32)
    depth = torch.minimum(axis, size_px - 1 - axis) + 1.0 - inset_px
    side = smooth_step((depth - size_px * _RIM_FRACTION) / (size_px * _FADE_FRACTION))
    return torch.minimum(side[:, None], side[None, :])


def smooth_step(x: Tensor) -> Tensor:
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)
