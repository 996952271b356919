"""CUDA kernels for group normalisation of channels-last features. CPU tensors need `TRITON_INTERPRET=1`.

PyTorch copies channels-last features to another order and back, and processes them in float32 under autocast. These
read and write rows of channels (B, P, C) in place, P being the pixels, in three small steps: sums of each channel over
pixels, from them a factor and an offset per channel, and that affine map. The backward pass works the same way.
`benchmarks/training.py` compares.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

ROWS = 4096
"""Numbers held in one step of a loop: rows times channels."""
NUM_CHUNKS = 64
"""Chunks in which the pixels of one picture are summed."""


def fits(channels: int, groups: int) -> bool:
    """Whether the kernels support this size: powers of two only."""
    return channels & (channels - 1) == 0 and groups & (groups - 1) == 0 and channels <= ROWS


class GroupNormTriton(torch.autograd.Function):
    """x (B, C, H, W), channels-last; weight and bias (C) in float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        batch, channels, height, width = x.shape
        pixels = height * width
        sums = _sums_over_pixels(x, None)
        mean, rstd, factor, offset = x.new_empty(4, batch, channels, dtype=torch.float32)
        _finish_forward[(batch,)](
            sums, weight, bias, mean, rstd, factor, offset, pixels, eps, channels, groups, NUM_CHUNKS
        )
        output = torch.empty_like(x)
        _map[_grid(batch, pixels, channels)](
            x, x, factor, offset, offset, output, pixels, channels, _rows(channels), False
        )
        ctx.save_for_backward(x, weight, mean, rstd)
        ctx.groups = groups
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, rstd = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)
        batch, channels, height, width = x.shape
        pixels = height * width
        sums = _sums_over_pixels(x, gradient)
        factor, factor_x, rest, of_weight, of_bias = x.new_empty(5, batch, channels, dtype=torch.float32)
        _finish_backward[(batch,)](
            sums,
            weight,
            mean,
            rstd,
            factor,
            factor_x,
            rest,
            of_weight,
            of_bias,
            pixels,
            channels,
            ctx.groups,
            NUM_CHUNKS,
        )
        result = torch.empty_like(x)
        _map[_grid(batch, pixels, channels)](
            gradient, x, factor, factor_x, rest, result, pixels, channels, _rows(channels), True
        )
        return result, of_weight.sum(0), of_bias.sum(0), None, None


def _rows(channels: int) -> int:
    return ROWS // channels


def _grid(batch: int, pixels: int, channels: int) -> tuple[int, int]:
    return triton.cdiv(pixels, _rows(channels)), batch


def _sums_over_pixels(x: Tensor, gradient: Tensor | None) -> Tensor:
    """Per channel and chunk: of x and its square, or of the gradient and its product with x. (B, N, 2, C)."""
    batch, channels, height, width = x.shape
    sums = x.new_empty(batch, NUM_CHUNKS, 2, channels, dtype=torch.float32)
    first = x if gradient is None else gradient
    _sum[(NUM_CHUNKS, batch)](first, x, sums, height * width, channels, _rows(channels), NUM_CHUNKS)
    return sums


@triton.jit
def _sum(first, x, sums, pixels, channels: tl.constexpr, rows: tl.constexpr, chunks: tl.constexpr):  # type: ignore[no-untyped-def]
    chunk, picture = tl.program_id(0), tl.program_id(1).to(tl.int64)
    channel = tl.arange(0, channels)
    total = tl.zeros([channels], tl.float32)
    product = tl.zeros([channels], tl.float32)
    for start in range(chunk * rows, pixels, chunks * rows):
        row = start + tl.arange(0, rows)
        at = (picture * pixels + row)[:, None] * channels + channel[None, :]
        inside = (row < pixels)[:, None]
        a = tl.load(first + at, mask=inside, other=0.0).to(tl.float32)
        b = tl.load(x + at, mask=inside, other=0.0).to(tl.float32)
        total += tl.sum(a, 0)
        product += tl.sum(a * b, 0)
    to = sums + (picture * chunks + chunk) * 2 * channels + channel
    tl.store(to, total)
    tl.store(to + channels, product)


@triton.jit
def _in_group(values, channels: tl.constexpr, groups: tl.constexpr):  # type: ignore[no-untyped-def]
    """The sum over each channel's group, for each channel."""
    table = tl.reshape(values, [groups, channels // groups])
    total = tl.sum(table, 1)
    return tl.reshape(tl.broadcast_to(total[:, None], [groups, channels // groups]), [channels])


@triton.jit
def _over_chunks(sums, picture, part, channel, channels: tl.constexpr, chunks: tl.constexpr):  # type: ignore[no-untyped-def]
    chunk = tl.arange(0, chunks)
    at = (picture * chunks + chunk[:, None]) * 2 * channels + part * channels + channel[None, :]
    return tl.sum(tl.load(sums + at), 0)


@triton.jit
def _finish_forward(  # type: ignore[no-untyped-def]
    sums, weight, bias, mean, rstd, factor, offset, pixels, eps,
    channels: tl.constexpr, groups: tl.constexpr, chunks: tl.constexpr,
):  # fmt: skip
    picture = tl.program_id(0)
    channel = tl.arange(0, channels)
    count = pixels * (channels // groups) * 1.0
    total = _in_group(_over_chunks(sums, picture, 0, channel, channels, chunks), channels, groups) / count
    square = _in_group(_over_chunks(sums, picture, 1, channel, channels, chunks), channels, groups) / count
    scale = 1.0 / tl.sqrt(tl.maximum(square - total * total, 0.0) + eps)
    slope = scale * tl.load(weight + channel)
    at = picture * channels + channel
    tl.store(mean + at, total)
    tl.store(rstd + at, scale)
    tl.store(factor + at, slope)
    tl.store(offset + at, tl.load(bias + channel) - total * slope)


@triton.jit
def _finish_backward(  # type: ignore[no-untyped-def]
    sums, weight, mean, rstd, factor, factor_x, rest, of_weight, of_bias, pixels,
    channels: tl.constexpr, groups: tl.constexpr, chunks: tl.constexpr,
):  # fmt: skip
    picture = tl.program_id(0)
    channel = tl.arange(0, channels)
    at = picture * channels + channel
    count = pixels * (channels // groups) * 1.0
    center, scale, slope = tl.load(mean + at), tl.load(rstd + at), tl.load(weight + channel)
    total = _over_chunks(sums, picture, 0, channel, channels, chunks)
    product = _over_chunks(sums, picture, 1, channel, channels, chunks)
    scaled = scale * (product - center * total)
    inner = _in_group(slope * total, channels, groups) / count
    inner_x = _in_group(slope * scaled, channels, groups) / count
    # dx = rstd * (w g - mean_group(w g) - x_hat * mean_group(w g x_hat)), as a g + b x + c
    by_x = -scale * scale * inner_x
    tl.store(factor + at, scale * slope)
    tl.store(factor_x + at, by_x)
    tl.store(rest + at, -scale * inner - by_x * center)
    tl.store(of_weight + at, scaled)
    tl.store(of_bias + at, total)


@triton.jit
def _map(  # type: ignore[no-untyped-def]
    first, x, factor, second, rest, result, pixels,
    channels: tl.constexpr, rows: tl.constexpr, with_x: tl.constexpr,
):  # fmt: skip
    """first * factor + rest, or, with x, first * factor + x * second + rest."""
    picture = tl.program_id(1).to(tl.int64)
    channel = tl.arange(0, channels)
    row = tl.program_id(0) * rows + tl.arange(0, rows)
    at = (picture * pixels + row)[:, None] * channels + channel[None, :]
    inside = (row < pixels)[:, None]
    of = picture * channels + channel
    value = tl.load(first + at, mask=inside, other=0.0).to(tl.float32) * tl.load(factor + of)[None, :]
    if with_x:
        value += tl.load(x + at, mask=inside, other=0.0).to(tl.float32) * tl.load(second + of)[None, :]
    value += tl.load(rest + of)[None, :]
    tl.store(result + at, value, mask=inside)
