"""Plot the trade-off of VQFR v2: realism against likeness over the range of fidelities."""

import io
from collections.abc import Sequence

from ..errors import InputError
from ..extras import how_to_install
from ..networks.fidelity import name_fidelity
from .tables import Column, Summary

_SIZE_INCHES = (7.0, 4.8)


def draw_tradeoff(summaries: Sequence[Summary], likeness: Column, realism: Column) -> str | None:
    """An SVG of one level: a point for each row, and a line through a model's fidelities.

    Right and up are better. None if no model has two fidelities. InputError without matplotlib.
    """
    lines: dict[str, list[tuple[float | str | None, float, float]]] = {}
    for summary in summaries:
        x, y = summary.means.get(likeness.name), summary.means.get(realism.name)
        name = summary.row.label if isinstance(summary.row.fidelity, str) else summary.row.contestant
        if x is not None and y is not None:
            lines.setdefault(name, []).append((summary.row.fidelity, x, y))
    if not any(len(line) > 1 for line in lines.values()):
        return None
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        install = how_to_install("evaluate", "matplotlib")
        raise InputError(f"the trade-off plot needs matplotlib ({error}); install it with: {install}") from error
    figure = Figure(_SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    for name, points in lines.items():
        points.sort(key=lambda point: point[0] if isinstance(point[0], float) else 0.0)
        axes.plot([x for _, x, _ in points], [y for _, _, y in points], "o-", label=name, gid=f"model {name}")
        for fidelity, x, y in points:
            if fidelity is not None:
                axes.annotate(name_fidelity(fidelity), (x, y), xytext=(6, 6), textcoords="offset points")
    axes.set_xlabel(f"likeness: {likeness.label} (better: right)")
    axes.set_ylabel(f"realism: {realism.label} (better: up)")
    if not likeness.higher_is_better:
        axes.invert_xaxis()
    if not realism.higher_is_better:
        axes.invert_yaxis()
    axes.legend()
    drawn = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "vqfr", "svg.fonttype": "none"}):  # the same bytes on every run
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()
