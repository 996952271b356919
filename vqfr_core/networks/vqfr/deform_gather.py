"""Deformable convolution in plain PyTorch operations, for every device and dtype.

Sampling is a gather of contiguous rows of channels: four neighbours per (pixel, tap, group), weighted by bilinear
weight times modulation and summed by `embedding_bag`; one matrix product per strip of rows follows. Memory is bounded
by the strip.
"""

import functools
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

STRIP_BYTES = 32 * 2**20
"""Upper bound on the sampled values of one strip of output rows: small, so that a strip fits the CPU's cache."""

TAPS = 9
"""Positions of the 3x3 window."""


def deform_conv2d_gather(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The same in plain PyTorch operations, for every device and dtype; differentiable."""
    batch, channels, height, width = x.shape
    groups = mask.shape[1] // TAPS
    table = _channel_rows(x, groups)
    # (C_out, C, 3, 3) -> (9 * C, C_out), in the order (tap, channel) in which samples are laid out
    matrix = weight.flatten(2).permute(2, 1, 0).reshape(TAPS * channels, -1)
    rows = max(1, STRIP_BYTES // (width * TAPS * channels * x.element_size()))
    output = x.new_empty(batch, height, width, weight.shape[0]) if not torch.is_grad_enabled() else None
    strips: list[Tensor] = []
    for b in range(batch):
        for top in range(0, height, rows):
            strip = slice(top, min(top + rows, height))
            neighbours = _neighbours(offset[b, :, strip], mask[b, :, strip], top, (height, width))
            samples = _weighted_rows(table[b], neighbours, x.dtype).view(-1, TAPS * channels)
            if output is None:
                strips.append(torch.addmm(bias, samples, matrix))
            else:
                torch.addmm(bias, samples, matrix, out=output[b, strip].view(samples.shape[0], -1))
    if output is None:
        output = torch.cat(strips).view(batch, height, width, -1)
    return output.permute(0, 3, 1, 2)


class _Neighbours(NamedTuple):
    """For each (row, column, tap, group) the four pixels around the sampled point."""

    rows: Tensor
    """int32 (N, 4): rows of the channel table."""
    weight: Tensor
    """float32 (N, 4): bilinear weight times modulation."""


def _channel_rows(x: Tensor, groups: int) -> Tensor:
    """(B, C, H, W) -> (B, (H+2) * (W+2) * G, C/G): one contiguous row per pixel and group, with a border of zeros."""
    batch, channels, height, width = x.shape
    table = x.new_zeros(batch, height + 2, width + 2, channels)
    table[:, 1:-1, 1:-1] = x.permute(0, 2, 3, 1)
    return table.view(batch, -1, channels // groups)


def _neighbours(offset: Tensor, mask: Tensor, top: int, size: tuple[int, int]) -> _Neighbours:
    """Sampling points of one strip of output rows. offset (2*9*G, R, W), mask (9*G, R, W); computed in float32."""
    height, width = size
    groups, rows, device = mask.shape[0] // TAPS, mask.shape[1], mask.device
    # (9*G*2, R, W) -> dy, dx, modulation as (R, W, 9, G), the order of the output
    moves = offset.float().view(groups, TAPS, 2, rows, width).permute(3, 4, 1, 0, 2)
    modulation = mask.float().view(groups, TAPS, rows, width).permute(2, 3, 1, 0)
    tap = torch.arange(TAPS, device=device).view(1, 1, TAPS, 1)
    row = torch.arange(top, top + rows, device=device).view(rows, 1, 1, 1)
    column = torch.arange(width, device=device).view(1, width, 1, 1)
    y, y0, y1 = _lower_and_upper(moves[..., 0] + (row - 1 + tap // 3), height)
    x, x0, x1 = _lower_and_upper(moves[..., 1] + (column - 1 + tap % 3), width)
    group = torch.arange(groups, device=device, dtype=torch.int32)
    line = (width + 2) * groups
    y0, y1, x0, x1 = y0 * line, y1 * line, x0 * groups + group, x1 * groups + group
    index = torch.stack([y0 + x0, y0 + x1, y1 + x0, y1 + x1], dim=-1)
    upper = y * modulation
    lower = modulation - upper
    right, below_right = lower * x, upper * x
    weight = torch.stack([lower - right, right, upper - below_right, below_right], dim=-1)
    return _Neighbours(index.view(-1, 4), weight.view(-1, 4))


def _lower_and_upper(position: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Fraction, and int32 indices into the zero-bordered table, of the two pixels around a coordinate."""
    # From one pixel outside on, only the zero border is read. The clamp on integers also catches NaN.
    position = position.clamp(-1, size)
    low = position.floor()
    index = low.to(torch.int32).add_(1).clamp_(0, size + 1)
    return position - low, index, (index + 1).clamp_(max=size + 1)


def _weighted_rows(table: Tensor, neighbours: _Neighbours, dtype: torch.dtype) -> Tensor:
    """Weighted sums of four table rows: (N, C/G)."""
    weight = neighbours.weight.to(dtype)
    if table.device.type in ("cpu", "cuda"):
        return F.embedding_bag(neighbours.rows, table, per_sample_weights=weight, mode="sum")
    return _summed_rows(table, neighbours.rows, weight)


def _summed_rows(table: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
    """The same where `embedding_bag` is missing or untested, with operations that every device has."""
    parts = (table.index_select(0, rows[:, k].long()) * weight[:, k : k + 1] for k in range(4))
    return functools.reduce(Tensor.add_, parts)
