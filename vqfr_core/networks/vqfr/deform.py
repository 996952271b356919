"""Modulated deformable convolution (Zhu et al., CVPR 2019, arXiv 1811.11168) without a compiled extension.

Tap k of the 3x3 window at output (i, j), in deformable group g, samples the input bilinearly at
(i - 1 + k // 3 + dy, j - 1 + k % 3 + dx), times its modulation; pixels outside the image count as 0.
"""

import torch
from torch import Tensor, nn

from .deform_gather import TAPS, deform_conv2d_gather
from .deform_torchvision import deform_conv2d_torchvision, torchvision_is_better


class ModulatedDeformConv(nn.Module):
    """3x3 deformable convolution whose offsets and modulation come from a feature of their own (`conv_offset`)."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.empty(channels, channels, 3, 3))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)  # as nn.Conv2d does
        self.bias = nn.Parameter(torch.zeros(channels))
        self.conv_offset = nn.Conv2d(channels, groups * TAPS * 3, 3, padding=1)

    def forward(self, x: Tensor, offset_feature: Tensor) -> Tensor:
        offset, modulation = self.split(offset_feature)
        return deform_conv2d(x, offset, modulation, self.weight, self.bias)

    def split(self, offset_feature: Tensor) -> tuple[Tensor, Tensor]:
        """Offsets and modulation, as `deform_conv2d` takes them."""
        offset, modulation = self.conv_offset(offset_feature).split([2 * TAPS * self.groups, TAPS * self.groups], dim=1)
        return offset, modulation.sigmoid()


def deform_conv2d(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Modulated deformable 3x3 convolution, stride 1, padding 1.

    Args:
        x: (B, C, H, W).
        offset: (B, 2 * 9 * G, H, W) in pixels; channel 2 * (9 * g + k) is dy, the next one dx.
        mask: (B, 9 * G, H, W), the modulation.
        weight: (C_out, C, 3, 3).
        bias: (C_out).

    Returns:
        (B, C_out, H, W) in the dtype of `x`, equal to `torchvision.ops.deform_conv2d` up to rounding.
    """
    if torchvision_is_better(x, weight):
        return deform_conv2d_torchvision(x, offset, mask, weight, bias)
    return deform_conv2d_gather(x, offset, mask, weight, bias)
