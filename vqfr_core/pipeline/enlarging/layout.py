"""Overlapping spans that cover a line of pixels, and how they fade into each other."""

from typing import NamedTuple

import torch
from torch import Tensor

_GRID_PX = 64
"""Spans start at multiples of this, so that networks with windows or down-sampling see the same grid in each."""
_FADE_PX = 16
"""Width of the passage from one span to the next."""


class Span(NamedTuple):
    """Pixels start <= x < stop, of which those between `first` and `last` are shown."""

    start: int
    stop: int
    first: int
    """The first pixel with a weight above 0."""
    last: int
    """One after the last pixel with a weight above 0."""

    def weights(self, low: int, high: int, scale: float) -> Tensor:
        """The weights of the pixels low <= X < high of the line enlarged by `scale`. Those of all spans add up to 1."""
        x = (torch.arange(low, high, dtype=torch.float32) + 0.5) / scale
        weights = torch.ones(high - low)
        if self.first > self.start:
            weights = ((x - self.first) / _FADE_PX).clamp(0, 1)
        if self.last < self.stop:
            weights = weights - ((x - self.last) / _FADE_PX + 1).clamp(0, 1)
        return weights


def spans(length: int, longest: int, hidden_px: int) -> list[Span]:
    """Cover a line. At an inner end of a span, this many of its pixels are not shown, as the network saw no further.

    longest: of a span, at least `shortest(hidden_px)`. hidden_px: above 0 if there are several spans.
    """
    step = (longest - _overlap(hidden_px)) // _GRID_PX * _GRID_PX
    starts = [0]
    while starts[-1] + longest < length:
        starts.append(starts[-1] + step)
    stops = [min(start + longest, length) for start in starts]
    # The passage lies in the middle of each overlap.
    passages = [(stop + start - _FADE_PX) // 2 for stop, start in zip(stops, starts[1:], strict=False)]
    firsts = [0, *passages]
    lasts = [*(passage + _FADE_PX for passage in passages), length]
    return [Span(*span) for span in zip(starts, stops, firsts, lasts, strict=True)]


def shortest(hidden_px: int) -> int:
    """The least length of spans that can cover any line."""
    return _GRID_PX + _overlap(hidden_px)


def _overlap(hidden_px: int) -> int:
    return 2 * hidden_px + _FADE_PX
