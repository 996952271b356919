"""The plan of a run, made before any work is done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from .inputs import find_inputs
from .outputs import Job, check_report_path, plan_jobs


@dataclass(frozen=True)
class Batch:
    """What to do."""

    jobs: list[Job]
    """The pictures."""
    problems: list[tuple[str, str]]
    """Inputs that match no picture, and why."""
    report: Path | None
    """Where the JSON report goes."""
    overwrite: bool
    """Redo existing results."""
    places: tuple[Path, ...] = ()
    """Folders written to."""
    dry_run: bool = False
    """Only say what would be done."""


def plan_batch(
    words: Collection[str],
    out: Path,
    *,
    recursive: bool = False,
    format: str | None = None,
    overwrite: bool = False,
    report: Path | None = None,
    places: Sequence[Path | None] = (),
    keep_pages: bool = False,
    dry_run: bool = False,
) -> Batch:
    """Expand the inputs and decide where the results go.

    words, recursive: see `find_inputs`. out, format, keep_pages: see `plan_jobs`. places: other folders written to.
    Raises InputError when results would overwrite inputs or one another.
    """
    folders = [place for place in (out, *places) if place is not None]
    inputs = find_inputs(words, recursive=recursive, leave_out=folders)
    jobs = plan_jobs(inputs.sources, out, format=format, keep_pages=keep_pages)
    check_report_path(report, jobs)
    return Batch(jobs, inputs.problems, report, overwrite, tuple(folders), dry_run)
