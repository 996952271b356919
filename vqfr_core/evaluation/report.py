"""The files an evaluation writes: table, JSON, sheets of pictures, trade-off plots."""

import importlib.metadata
import json
import platform
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from ..drawing.sheet import draw_grid, fit
from ..pictures import to_pil
from .degrade import LEVELS
from .plot import draw_tradeoff
from .run import Outcome
from .tables import Column, Summary, as_json, columns_of, markdown_table, summarize

_CELL_PX = 256
_LIKENESS, _REALISM = ("psnr", "deg"), ("niqe", "lpips")
_PACKAGES = ("torch", "torchvision", "lpips", "numpy", "opencv-python", "opencv-python-headless")


def make_files(
    outcome: Outcome, metrics: Sequence[str], features: str | None, absent: dict[str, str], about: dict[str, Any]
) -> dict[str, bytes]:
    """The contents of all files by name.

    metrics: those measured. features: the network of FID and KID, if measured. absent: metrics that could not be
    measured, and why. about: settings, models and weights for the JSON.
    """
    summaries, columns = summarize(outcome), columns_of(metrics, features)
    table = markdown_table(summaries, columns)
    missing = "".join(f"- {label}: absent, {reason}\n" for label, reason in absent.items())
    files = {"evaluation.md": f"{table}\n{chr(10) if missing else ''}{missing}".encode()}
    described = {"absent": absent, "versions": versions(), **about, **as_json(outcome, summaries)}
    files["evaluation.json"] = (json.dumps(described, indent=1, allow_nan=False) + "\n").encode()
    for level in dict.fromkeys(s.level for s in summaries):
        files[f"pictures_{level}.jpg"] = _page(outcome, level)
        plot = _plot([s for s in summaries if s.level == level], columns)
        if plot is not None:
            files[f"tradeoff_{level}.svg"] = plot.encode()
    return files


def versions() -> dict[str, str]:
    """Of Python and the installed packages that numbers depend on, and the kind of machine."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def describe_levels(levels: Sequence[str]) -> dict[str, Any]:
    """The ranges of the degradations, for the JSON."""
    return {level: vars(LEVELS[level]) for level in levels if level in LEVELS}


def _page(outcome: Outcome, level: str) -> bytes:
    shown = {picture: images for (of, picture), images in outcome.shown.items() if of == level}
    rows = [[fit(to_pil(image), _CELL_PX) for image in images.values()] for images in shown.values()]
    columns = list(next(iter(shown.values())))
    buffer = BytesIO()
    draw_grid(rows, columns, list(shown) if len(shown) > 1 else []).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _plot(summaries: Sequence[Summary], columns: Sequence[Column]) -> str | None:
    by_name = {column.name: column for column in columns}
    likeness, realism = (next((by_name[n] for n in names if n in by_name), None) for names in (_LIKENESS, _REALISM))
    return None if likeness is None or realism is None else draw_tradeoff(summaries, likeness, realism)
