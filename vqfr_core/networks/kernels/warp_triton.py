"""Deformable convolution that trains fast on CUDA: two kernels around a matrix product.

torchvision's operator samples in float32 from another memory order, and its backward pass also computes the gradient of
the sampled feature by atomic additions. Here that feature is the texture, which stage 2 keeps fixed.
`benchmarks/training.py` compares. CPU tensors need `TRITON_INTERPRET=1`.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ..vqfr.deform_gather import TAPS

NUMBERS = 2048
"""Numbers one program samples at once: pixels times channels of a group."""


def deform_conv2d_triton(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """As `vqfr_core.networks.vqfr.deform.deform_conv2d`, without a gradient for `x`. Groups of 2^n channels."""
    batch, channels, height, width = x.shape
    samples = _Sample.apply(x, offset, mask)
    # (C_out, C, 3, 3) -> (9 * C, C_out), in the order (tap, channel) in which samples are laid out
    matrix = weight.flatten(2).permute(2, 1, 0).reshape(TAPS * channels, -1)
    rows = torch.addmm(bias, samples, matrix)
    return rows.view(batch, height, width, -1).permute(0, 3, 1, 2)


class _Sample(torch.autograd.Function):
    """x (B, C, H, W), offset (B, 18 G, H, W), mask (B, 9 G, H, W) -> modulated samples (B * H * W, 9 * C)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        x, offset, mask = (t.contiguous(memory_format=torch.channels_last) for t in (x, offset, mask))
        ctx.save_for_backward(x, offset, mask)
        batch, channels, height, width = x.shape
        samples = x.new_empty(batch * height * width, TAPS * channels)
        _run(_sample, x, offset, mask, samples)
        return samples

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor]:
        x, offset, mask = ctx.saved_tensors
        of_offset, of_mask = torch.empty_like(offset), torch.empty_like(mask)
        _run(_sample_backward, x, offset, mask, gradients[0].contiguous(), of_offset, of_mask)
        return None, of_offset, of_mask


def _run(kernel: Any, x: Tensor, offset: Tensor, mask: Tensor, *rest: Tensor) -> None:
    batch, channels, height, width = x.shape
    groups = mask.shape[1] // TAPS
    pixels = max(1, NUMBERS * groups // channels)
    grid = (triton.cdiv(height * width, pixels), batch, groups)
    kernel[grid](x, offset, mask, *rest, height, width, channels, groups, pixels, TAPS)


@triton.jit
def _corner(x, row, column, height, width, channels, channel, inside):  # type: ignore[no-untyped-def]
    """One of the four pixels around each sampled point: (pixels, channels of the group), 0 outside the image."""
    there = inside & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    at = (row * width + column)[:, None] * channels + channel[None, :]
    return tl.load(x + at, mask=there[:, None], other=0.0).to(tl.float32)


@triton.jit
def _point(offset, mask, at, tap, group, pixel, height, width, groups, taps, inside):  # type: ignore[no-untyped-def]
    """Where one tap of each pixel samples: row and column above and left of it, how far below and right, modulation."""
    to = at * (2 * taps * groups) + 2 * (taps * group + tap)
    down = tl.load(offset + to, mask=inside, other=0.0).to(tl.float32)
    right = tl.load(offset + to + 1, mask=inside, other=0.0).to(tl.float32)
    modulation = tl.load(mask + at * (taps * groups) + taps * group + tap, mask=inside, other=0.0).to(tl.float32)
    # More than one pixel outside everything is 0, so exact values do not matter there.
    y = tl.minimum(tl.maximum(pixel // width - 1 + tap // 3 + down, -2.0), height + 1.0)
    x = tl.minimum(tl.maximum(pixel % width - 1 + tap % 3 + right, -2.0), width + 1.0)
    top, left = tl.floor(y), tl.floor(x)
    return top.to(tl.int32), left.to(tl.int32), y - top, x - left, modulation


@triton.jit
def _sample(  # type: ignore[no-untyped-def]
    x, offset, mask, samples, height, width,
    channels: tl.constexpr, groups: tl.constexpr, pixels: tl.constexpr, taps: tl.constexpr,
):  # fmt: skip
    group, size = tl.program_id(2), height * width
    pixel = tl.program_id(0) * pixels + tl.arange(0, pixels)
    inside = pixel < size
    first = tl.program_id(1).to(tl.int64) * size
    channel = group * (channels // groups) + tl.arange(0, channels // groups)
    image, at = x + first * channels, first + pixel
    for tap in range(taps):
        row, column, below, beside, modulation = _point(
            offset, mask, at, tap, group, pixel, height, width, groups, taps, inside
        )
        vertical, horizontal = below[:, None], beside[:, None]
        a = _corner(image, row, column, height, width, channels, channel, inside)
        b = _corner(image, row, column + 1, height, width, channels, channel, inside)
        c = _corner(image, row + 1, column, height, width, channels, channel, inside)
        d = _corner(image, row + 1, column + 1, height, width, channels, channel, inside)
        top, bottom = a + (b - a) * horizontal, c + (d - c) * horizontal
        to = at[:, None] * (taps * channels) + tap * channels + channel[None, :]
        tl.store(samples + to, (top + (bottom - top) * vertical) * modulation[:, None], mask=inside[:, None])


@triton.jit
def _sample_backward(  # type: ignore[no-untyped-def]
    x, offset, mask, gradient, of_offset, of_mask, height, width,
    channels: tl.constexpr, groups: tl.constexpr, pixels: tl.constexpr, taps: tl.constexpr,
):  # fmt: skip
    group, size = tl.program_id(2), height * width
    pixel = tl.program_id(0) * pixels + tl.arange(0, pixels)
    inside = pixel < size
    first = tl.program_id(1).to(tl.int64) * size
    channel = group * (channels // groups) + tl.arange(0, channels // groups)
    image, at = x + first * channels, first + pixel
    for tap in range(taps):
        row, column, below, beside, modulation = _point(
            offset, mask, at, tap, group, pixel, height, width, groups, taps, inside
        )
        to = at[:, None] * (taps * channels) + tap * channels + channel[None, :]
        wanted = tl.load(gradient + to, mask=inside[:, None], other=0.0).to(tl.float32)
        # How the loss changes with each of the four corners' weights
        a = tl.sum(_corner(image, row, column, height, width, channels, channel, inside) * wanted, 1)
        b = tl.sum(_corner(image, row, column + 1, height, width, channels, channel, inside) * wanted, 1)
        c = tl.sum(_corner(image, row + 1, column, height, width, channels, channel, inside) * wanted, 1)
        d = tl.sum(_corner(image, row + 1, column + 1, height, width, channels, channel, inside) * wanted, 1)
        top, bottom = a + (b - a) * beside, c + (d - c) * beside
        of_x = (b - a) + ((d - c) - (b - a)) * below
        here = at * (2 * taps * groups) + 2 * (taps * group + tap)
        tl.store(of_offset + here, (bottom - top) * modulation, mask=inside)
        tl.store(of_offset + here + 1, of_x * modulation, mask=inside)
        tl.store(of_mask + at * (taps * groups) + taps * group + tap, top + (bottom - top) * below, mask=inside)
