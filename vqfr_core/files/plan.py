"""What there is to do, decided before any work is done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from .inputs import find_inputs
from .outputs import Job, check_report_path, plan_jobs


@dataclass(frozen=True)
class Batch:
    """What there is to do."""

    jobs: list[Job]
    """The pictures."""
    problems: list[tuple[str, str]]
    """Inputs that stand for no picture, and why."""
    report: Path | None
    """Where the JSON report goes."""
    overwrite: bool
    """Do again what is done."""


def plan_batch(
    words: Collection[str],
    out: Path,
    *,
    recursive: bool = False,
    format: str | None = None,
    overwrite: bool = False,
    report: Path | None = None,
    places: Sequence[Path | None] = (),
) -> Batch:
    """What the words of the user stand for, and where the results go.

    words, recursive: see `find_inputs`. out, format: see `plan_jobs`. places: further folders that are written to.
    Raises InputError when results would overwrite inputs or one another.
    """
    folders = [place for place in (out, *places) if place is not None]
    inputs = find_inputs(words, recursive=recursive, leave_out=folders)
    jobs = plan_jobs(inputs.sources, out, format=format)
    check_report_path(report, jobs)
    return Batch(jobs, inputs.problems, report, overwrite)
