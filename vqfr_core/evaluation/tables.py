"""The results as a Markdown table and as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .contestants import INPUT, Row
from .metrics import KINDS
from .run import Measurement, Outcome


@dataclass(frozen=True)
class Column:
    """A column of the table."""

    name: str
    label: str
    higher_is_better: bool = False
    digits: int = 3


@dataclass(frozen=True)
class Summary:
    """The means of one row at one level."""

    level: str
    row: Row
    num_pictures: int
    means: dict[str, float | None]
    """By metric; None if no picture has a number."""
    counts: dict[str, int]
    """By metric: how many pictures have a number."""
    better: dict[str, int]
    """By metric: how many pictures it improves on the input; empty for the input itself and without one."""


def columns_of(metrics: Sequence[str], features: str | None) -> list[Column]:
    """The columns of these metrics, and of FID and KID if there are features."""
    columns = [Column(k.name, k.label, k.higher_is_better, k.digits) for k in (KINDS[name] for name in metrics)]
    if features:
        columns += [Column("fid", f"FID ({features})", digits=2), Column("kid", f"KID ({features})", digits=5)]
    return columns


def summarize(outcome: Outcome) -> list[Summary]:
    """One summary for each level and row, the levels in the order measured."""
    groups: dict[tuple[str, Row], list[Measurement]] = {}
    for level in dict.fromkeys(m.level for m in outcome.measurements):
        for m in outcome.measurements:
            if m.level == level:
                groups.setdefault((level, m.row), []).append(m)
    return [_summary(key, group, groups.get((key[0], Row(INPUT))), outcome) for key, group in groups.items()]


def markdown_table(summaries: Sequence[Summary], columns: Sequence[Column]) -> str:
    """Means; in brackets how many pictures have a number, if not all do, and how many improved on the input."""
    heads = [f"{column.label} {'↑' if column.higher_is_better else '↓'}" for column in columns]
    lines = [f"| {' | '.join(['level', 'pictures', 'restored by', *heads])} |", f"|{' --- |' * (len(columns) + 3)}"]
    for s in summaries:
        cells = [s.level, str(s.num_pictures), s.row.label, *(_cell(s, column) for column in columns)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def as_json(outcome: Outcome, summaries: Sequence[Summary]) -> dict[str, Any]:
    """Means, and every picture's numbers."""
    return {
        "summary": [
            {"level": s.level, **_row(s.row), "pictures": s.num_pictures, "mean": s.means}
            | {"pictures_with_a_number": s.counts, "pictures_better_than_input": s.better}
            for s in summaries
        ],
        "pictures": [{"level": m.level, **_row(m.row), "picture": m.picture, **m.values} for m in outcome.measurements],
    }


def _summary(
    key: tuple[str, Row], group: Sequence[Measurement], inputs: Sequence[Measurement] | None, outcome: Outcome
) -> Summary:
    means: dict[str, float | None] = {}
    counts, better = {}, {}
    for name in group[0].values:
        numbers = [value for m in group if (value := m.values[name]) is not None]
        means[name], counts[name] = float(np.mean(numbers)) if numbers else None, len(numbers)
        if inputs is not None and key[1].contestant != INPUT:
            better[name] = sum(_is_better(name, m, before) for m, before in zip(group, inputs, strict=True))
    distances = outcome.distances.get(key, {})
    means.update(distances)
    return Summary(*key, len(group), means, counts | dict.fromkeys(distances, len(group)), better)


def _is_better(name: str, after: Measurement, before: Measurement) -> bool:
    new, old = after.values[name], before.values[name]
    if new is None or old is None:
        return False
    return new > old if KINDS[name].higher_is_better else new < old


def _cell(summary: Summary, column: Column) -> str:
    name = column.name
    value, count = summary.means[name], summary.counts[name]
    if value is None:
        return "none"
    notes = [f"{count} of {summary.num_pictures} pictures"] if count < summary.num_pictures else []
    notes += [f"better {summary.better[name]}"] if name in summary.better else []
    return f"{value:.{column.digits}f}" + (f" ({', '.join(notes)})" if notes else "")


def _row(row: Row) -> dict[str, Any]:
    return {"row": row.contestant, "fidelity": row.fidelity}
