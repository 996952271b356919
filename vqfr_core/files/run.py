"""Run one command over many pictures: finished work is kept, a bad file does not stop the rest, all is reported."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .. import __version__
from ..atomic import clear_drafts
from ..errors import Cancelled, InputError, printable
from .outputs import Job, write_whole
from .plan import Batch
from .reporter import Reporter, describe_failure


class Done(NamedTuple):
    """The outcome of one picture."""

    line: str
    """For the user."""
    reports: list[dict[str, Any]]
    """One for each frame."""


@dataclass(frozen=True)
class Entry:
    """One picture in the JSON report."""

    source: str
    """The file read."""
    output: str | None
    """The file written, if any."""
    status: str
    """done, skipped (the result existed), failed, or not done (the run ended first)."""
    error: str | None = None
    """Why it failed or was not done."""
    report: dict[str, Any] | None = None
    """What was found and done; for an animation, in the first frame."""
    frames: list[dict[str, Any]] | None = None
    """The reports of all frames of an animation."""


Work = Callable[[Job], Done]


def run_batch(batch: Batch, start: Callable[[], Work], reporter: Reporter) -> int:
    """Do the work for each picture; 0 if all went well, else 1.

    start: called once, if there is anything to do, to load what is needed; its errors end the run. The work writes the
    result as its last step, so an existing result is complete with its side files. The report is always written, even
    after Ctrl-C.
    """
    entries = [Entry(word, None, "failed", f"{word}: {why}") for word, why in batch.problems]
    for entry in entries:
        reporter.error(entry.error or "")
    ended = ""
    try:
        for entry in work_through(batch, start, reporter):
            entries.append(entry)
    except BaseException as error:
        ended = "interrupted" if isinstance(error, KeyboardInterrupt) else describe_failure(error)
        raise
    finally:
        num_reached = len(entries) - len(batch.problems)
        entries += [Entry(str(job.source), None, "not done", ended) for job in batch.jobs[num_reached:]]
        is_reported = _write_report(batch.report, entries, reporter)
    return 0 if is_reported and all(entry.status in ("done", "skipped") for entry in entries) else 1


def work_through(batch: Batch, start: Callable[[], Work], reporter: Reporter) -> Iterator[Entry]:
    """The work of `run_batch` picture by picture, without its report. Raises Cancelled when the work does."""
    _clear_drafts(batch)
    work: Work | None = None
    with reporter.bar("pictures", "picture") as progress:
        for number, job in enumerate(batch.jobs):
            if len(batch.jobs) > 1:
                progress(number, len(batch.jobs))
            if job.is_done and not batch.overwrite:
                reporter.say(printable(f"{job.source}: skipped, {job.target} already exists (--overwrite redoes it)"))
                yield Entry(str(job.source), str(job.target), "skipped")
                continue
            work = work or start()
            yield _do(job, work, reporter)


def _clear_drafts(batch: Batch) -> None:
    """Remove what a killed run left where this one writes."""
    sides = {place / job.name.parent for place in batch.places for job in batch.jobs}
    for folder in sides | {job.target.parent for job in batch.jobs}:
        clear_drafts(folder)


def _do(job: Job, work: Work, reporter: Reporter) -> Entry:
    try:
        job.make_folder()
        done = work(job)
    except Cancelled:
        raise
    except Exception as error:  # reported; the other pictures are still processed
        reporter.failure(error, str(job.source))
        return Entry(str(job.source), None, "failed", describe_failure(error, str(job.source)))
    reporter.say(printable(f"{job.source} -> {job.target}: {done.line}"))
    frames = done.reports if len(done.reports) > 1 else None
    return Entry(str(job.source), str(job.target), "done", None, done.reports[0], frames)


def _write_report(path: Path | None, entries: Sequence[Entry], reporter: Reporter) -> bool:
    """Write the report, if wanted; whether that worked."""
    if path is None:
        return True
    content = {"program": f"vqfr_core {__version__}", "images": [asdict(entry) for entry in entries]}
    text = json.dumps(content, indent=2, default=str, ensure_ascii=False)
    try:
        write_whole(path, text.encode("utf-8", "backslashreplace"))
    except InputError as error:
        reporter.failure(error)
        return False
    return True
