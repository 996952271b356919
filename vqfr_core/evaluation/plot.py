"""The trade-off that VQFR v2 is about, drawn: realism against likeness over the range of fidelities. Plain SVG."""

from collections.abc import Sequence
from html import escape

from .contestants import Row
from .tables import Column, Summary

_WIDTH, _HEIGHT, _MARGIN = 680, 460, 90
_COLORS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5aa8", "#8a6d1f")


def draw_tradeoff(summaries: Sequence[Summary], likeness: Column, realism: Column) -> str | None:
    """An SVG of one level: a point for each row, and a line through a model's fidelities.

    Better is right and up on both axes. None when no model has two fidelities.
    """
    points = [(s.row, _value(s, likeness), _value(s, realism)) for s in summaries]
    known = [(row, x, y) for row, x, y in points if x is not None and y is not None]
    lines: dict[str, list[tuple[Row, float, float]]] = {}
    for row, x, y in known:
        lines.setdefault(row.contestant, []).append((row, x, y))
    if not any(len(line) > 1 for line in lines.values()):
        return None
    to_x = _scale([x for _, x, _ in known], likeness.higher_is_better, _MARGIN, _WIDTH - _MARGIN)
    to_y = _scale([y for _, _, y in known], realism.higher_is_better, _HEIGHT - _MARGIN, _MARGIN)
    parts = [_axes(f"likeness: {likeness.label}", f"realism: {realism.label}", [x for _, x, _ in known], to_x)]
    parts += [_tick(y, _MARGIN - 26, to_y(y) + 4, "end") for y in _ends([y for _, _, y in known])]
    for number, (name, line) in enumerate(lines.items()):
        placed = [(row, to_x(x), to_y(y)) for row, x, y in sorted(line, key=lambda p: p[0].fidelity or 0.0)]
        parts.append(_series(name, placed, _COLORS[number % len(_COLORS)]))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


class _Scale:
    """Maps the values of an axis to pixels, the worse end first."""

    def __init__(self, worse: float, better: float, start_px: float, end_px: float) -> None:
        self._worse, self._span, self._start_px, self._end_px = worse, better - worse, start_px, end_px

    def __call__(self, value: float) -> float:
        part = (value - self._worse) / self._span if self._span else 0.5
        return self._start_px + part * (self._end_px - self._start_px)


def _scale(values: Sequence[float], higher_is_better: bool, start_px: float, end_px: float) -> _Scale:
    low, high = _ends(values)
    return _Scale(*((low, high) if higher_is_better else (high, low)), start_px, end_px)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _axes(x_label: str, y_label: str, x_values: Sequence[float], to_x: _Scale) -> str:
    left, bottom, right, top = _MARGIN - 20, _HEIGHT - _MARGIN + 20, _WIDTH - _MARGIN + 20, _MARGIN - 20
    ticks = "".join(_tick(x, to_x(x), bottom + 16, "middle") for x in _ends(x_values))
    return (
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#888"/>{ticks}'
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 20}" text-anchor="middle">{escape(x_label)} (better: right)</text>'
        f'<text transform="translate(16 {_HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(y_label)} '
        "(better: up)</text>"
    )


def _tick(value: float, x: float, y: float, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#555">{value:.4g}</text>'


def _series(name: str, points: Sequence[tuple[Row, float, float]], color: str) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for _, x, y in points)
    parts = [f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>']
    for number, (row, x, y) in enumerate(points):
        text = name if row.fidelity is None else f"{row.fidelity:g}" if number else f"{name}: {row.fidelity:g}"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>')
        side, anchor = (7, "start") if x < 0.7 * _WIDTH else (-7, "end")
        place = f'x="{x + side:.1f}" y="{y - 7:.1f}" text-anchor="{anchor}"'
        parts.append(f'<text {place} fill="{color}">{escape(text)}</text>')
    return "\n".join(parts)


def _value(summary: Summary, column: Column) -> float | None:
    return summary.means.get(column.name)
