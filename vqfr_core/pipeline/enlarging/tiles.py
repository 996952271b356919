"""Send a picture through an upscaler in overlapping tiles, so that memory does not grow with its size."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ...errors import Cancelled, RestorationError
from ...networks.upscalers import Upscaler
from ..blending.background import resize_lanczos
from ..restoring.restore import Progress, ShouldStop
from .layout import Span, spans


def enlarge_in_tiles(
    image: Tensor,
    upscaler: Upscaler,
    size: tuple[int, int],
    *,
    tile_px: int,
    hidden_px: int,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Tensor:
    """A picture through the network, then resized from the network's scale to `size`, both tile by tile.

    Args:
        image: (3, H, W), RGB in [0, 1].
        upscaler: the network.
        size: (height, width) of the result.
        tile_px: largest side of a tile, in pixels of the image.
        hidden_px: how much of a tile is not shown where the picture goes on, see `measure_reach`.
        progress: called before the first and after each tile, with (tiles done, tiles in all).
        should_stop: checked before each tile.

    Returns:
        float32 (3, height, width) in [0, 1], on the CPU.

    Raises:
        Cancelled: `should_stop` said so.
        RestorationError: the network failed, or gave numbers that are not finite.
        RuntimeError: memory ran out.
    """
    out = torch.zeros((3, *size))
    tiles = list(_tiles(image, tile_px, hidden_px))
    for done, (rows, columns) in enumerate(tiles):
        if progress is not None:
            progress(done, len(tiles))
        if should_stop is not None and should_stop():
            raise Cancelled(f"Stopped after {done} of {len(tiles)} tiles of the background")
        part = image[:, rows.start : rows.stop, columns.start : columns.stop]
        _add(out, _run(upscaler, part), rows, columns, (size[0] / image.shape[1], size[1] / image.shape[2]))
    if progress is not None:
        progress(len(tiles), len(tiles))
    return out.clamp_(0, 1)


def _tiles(image: Tensor, tile_px: int, hidden_px: int) -> Iterator[tuple[Span, Span]]:
    for rows in spans(image.shape[1], tile_px, hidden_px):
        for columns in spans(image.shape[2], tile_px, hidden_px):
            yield rows, columns


@torch.inference_mode()
def _run(upscaler: Upscaler, part: Tensor) -> Tensor:
    """(3, h * scale, w * scale) on the CPU."""
    answer = upscaler.run(part[None].to(upscaler.device))[0].cpu()
    if not answer.isfinite().all():
        raise RestorationError(
            f"{upscaler.full_name} gave no usable picture in {upscaler.precision}; "
            "choose fp32 precision. If it is, the weights are damaged"
        )
    return answer


def _add(out: Tensor, answer: Tensor, rows: Span, columns: Span, scales: tuple[float, float]) -> None:
    """Add what is shown of a tile's result to the output. scales: of the output, by axis."""
    tall = _Shown.of(rows, scales[0], answer.shape[1], out.shape[1])
    wide = _Shown.of(columns, scales[1], answer.shape[2], out.shape[2])
    part = _cut(answer, (wide.begin, tall.begin, wide.end, tall.end), (tall.high - tall.low, wide.high - wide.low))
    weights = rows.weights(tall.low, tall.high, scales[0])[:, None] * columns.weights(wide.low, wide.high, scales[1])
    out[:, tall.low : tall.high, wide.low : wide.high] += part * weights


class _Shown(NamedTuple):
    """What is shown of a tile, along one axis."""

    low: int
    """The first pixel of the output."""
    high: int
    """One after the last."""
    begin: float
    """The same edges in pixels of the network's result for the tile."""
    end: float

    @classmethod
    def of(cls, span: Span, scale: float, answer_px: int, out_px: int) -> "_Shown":
        low, high = math.floor(span.first * scale), min(math.ceil(span.last * scale), out_px)
        own = answer_px / (span.stop - span.start)
        begin, end = ((edge / scale - span.start) * own for edge in (low, high))
        return cls(low, high, max(begin, 0.0), min(end, float(answer_px)))


def _cut(answer: Tensor, box: tuple[float, float, float, float], size: tuple[int, int]) -> Tensor:
    """The part of an image inside the box (x0, y0, x1, y1), at the given (height, width)."""
    x0, y0, x1, y1 = map(round, box)
    if (y1 - y0, x1 - x0) == size and box == (x0, y0, x1, y1):
        return answer[:, y0:y1, x0:x1]
    return resize_lanczos(answer, size, box)
