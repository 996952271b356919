"""Run one command over many pictures: finished work is kept, a bad file does not stop the rest, all is reported."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .. import __version__
from ..atomic import clear_drafts
from ..errors import Cancelled, InputError, printable
from ..pictures.formats import OTHER_SUFFIXES, refusal
from .outputs import Job, write_whole
from .plan import Batch
from .reporter import Reporter, describe_failure

_MOST_NAMES = 10


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
    """Do the work for each picture, or for a dry run say what would be done; 0 if all went well, else 1.

    start: called once, if there is anything to do, to load what is needed; its errors end the run. The work writes the
    result as its last step, so an existing result is complete with its side files. The report is always written, even
    after Ctrl-C.
    """
    if batch.dry_run:
        return _say_plan(batch, reporter)
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
    _say_summary(entries, reporter)
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


def _say_plan(batch: Batch, reporter: Reporter) -> int:
    """A line for each picture; 1 if one would fail, as far as its name tells."""
    problems = [f"{word}: {why}" for word, why in batch.problems]
    for job in batch.jobs:
        if not job.source.exists():
            problems.append(f"{job.source}: no such file")
        elif job.source.suffix.lower() in OTHER_SUFFIXES:
            problems.append(f"{job.source}: {refusal(job.source)}")
        elif job.is_done and not batch.overwrite:
            reporter.say(printable(f"{job.source}: would be skipped, {job.target} already exists"))
        else:
            reporter.say(printable(f"{job.source} -> {job.target}: would be done"))
    for problem in problems:
        reporter.error(problem)
    return 1 if problems else 0


def _say_summary(entries: Sequence[Entry], reporter: Reporter) -> None:
    """One line about several pictures, with names of those that failed; and what to try where no face was found."""
    if len(entries) > 1:
        failed = [Path(entry.source).name for entry in entries if entry.status == "failed"]
        more = f" and {len(failed) - _MOST_NAMES} more" if len(failed) > _MOST_NAMES else ""
        names = f" ({', '.join(failed[:_MOST_NAMES])}{more})" if failed else ""
        reporter.say(printable(f"{len(entries)} pictures: {count_entries(entries, 'done')}{names}"))
    if any(map(is_without_face, entries)):
        from ..report import NO_FACE_HINT

        reporter.say(f"hint: where no face was found, {NO_FACE_HINT} (--min-confidence, --tiles, --rotations)")


def count_entries(entries: Sequence[Entry], done: str) -> str:
    """Readable text: "3 done, 1 already there, 2 failed"."""
    counts = Counter(entry.status for entry in entries)
    words = {"done": done, "skipped": "already there", "failed": "failed"}
    return ", ".join(f"{counts[status]} {word}" for status, word in words.items() if counts[status] or status == "done")


def is_without_face(entry: Entry) -> bool:
    """Whether no face was found in any frame."""
    reports = entry.frames or [entry.report or {}]
    return entry.status == "done" and all(report.get("faces") == [] for report in reports)


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
