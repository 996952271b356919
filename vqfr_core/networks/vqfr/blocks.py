"""Building blocks that both generations share (VQFR, Gu et al., ECCV 2022, arXiv 2205.06803, section 3)."""

import torch.nn.functional as F
from torch import Tensor, nn


def group_norm(channels: int) -> nn.GroupNorm:
    """The normalisation used everywhere: 32 groups, eps 1e-6, affine.

    Networks narrower than the published ones use groups of two channels: a channel normalised alone loses its level,
    and an image made of such channels its colour.
    """
    return nn.GroupNorm(min(32, channels // 2), channels, eps=1e-6)


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)


def norm_act_conv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Normalise, SiLU, 3x3 convolution: how encoders and decoders end."""
    return nn.Sequential(group_norm(in_channels), nn.SiLU(inplace=True), conv3x3(in_channels, out_channels))


class ResidualBlock(nn.Module):
    """Two normalised 3x3 convolutions added to the input.

    `shortcut_name` is what the published weights call the 1x1 convolution that matches differing channels.
    """

    def __init__(self, in_channels: int, out_channels: int, shortcut_name: str) -> None:
        super().__init__()
        self.norm1 = group_norm(in_channels)
        self.conv1 = conv3x3(in_channels, out_channels)
        self.norm2 = group_norm(out_channels)
        self.conv2 = conv3x3(out_channels, out_channels)
        self.shortcut_name = shortcut_name if in_channels != out_channels else None
        if self.shortcut_name:
            self.add_module(self.shortcut_name, nn.Conv2d(in_channels, out_channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x), inplace=True))
        h = self.conv2(F.silu(self.norm2(h), inplace=True))
        # In place: at 512 px allocating fresh pages costs more than the sum itself.
        answer: Tensor = h.add_(self.get_submodule(self.shortcut_name)(x) if self.shortcut_name else x)
        return answer


class AttentionBlock(nn.Module):
    """Single-head self-attention over all positions, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = group_norm(channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        h = self.norm(x)
        # (B, C, H, W) -> (B, 1, H*W, C): softmax(q k^T / sqrt(C)) v
        q, k, v = (m(h).flatten(2).transpose(1, 2).unsqueeze(1) for m in (self.q, self.k, self.v))
        h = F.scaled_dot_product_attention(q, k, v)
        h = h.squeeze(1).transpose(1, 2).reshape(batch, channels, height, width)
        answer: Tensor = x + self.proj_out(h)
        return answer


def resize_bilinear(x: Tensor, scale_factor: float) -> Tensor:
    """Bilinear resize, corners not aligned, no antialiasing: what the published weights were trained with."""
    if scale_factor == 1:
        return x
    return F.interpolate(x, scale_factor=scale_factor, mode="bilinear", align_corners=False)
