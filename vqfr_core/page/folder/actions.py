"""The work on many pictures: what the command line does, under the page's rules for files. Independent of Gradio."""

import logging
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from ...errors import Cancelled, InputError, VqfrError, without_folders
from ...files.outputs import Job
from ...files.plan import Batch, plan_batch
from ...files.reporter import Reporter, describe_failure
from ...files.restore_file import restore_file
from ...files.run import Done, Entry, Work, count_entries, is_without_face, work_through
from ...files.side_files import Extras
from ...options import RestoreOptions
from ...pictures.losses import collect_losses
from ...report import NO_FACE_HINT
from ...restorer import FaceRestorer
from ..backgrounds import NONE, open_background
from ..host import PageHost
from ..saving import Saving
from ..session import Session
from .archives import is_archive, unpack

logger = logging.getLogger(__name__)

_DEFAULT_FOLDER = "restored"


class Wanted(NamedTuple):
    """Which pictures, and where the results go."""

    uploads: list[Path]
    """Uploaded files, also ZIP files; if there are any, the folders are ignored."""
    folder: str
    """A folder, file or pattern on the machine that runs the page."""
    output: str
    """Where to write; empty means the host's folder, else a folder inside the other one."""
    is_recursive: bool
    overwrite: bool
    """Redo existing results."""
    saving: Saving = Saving()


@dataclass(frozen=True)
class Step:
    """Progress of the work."""

    done: int
    total: int
    entries: list[Entry]
    """Entries for what is done, and for what could not be found."""
    message: str = ""
    """In words."""
    notes: tuple[str, ...] = ()
    """What to know about the results, such as what they could not keep."""
    is_failed: bool = False
    """The message is an error, and the work has ended."""
    results: list[Path] = field(default_factory=list)
    """Files to download, if all is done and the user cannot access the folder."""


def work_on_pictures(
    host: PageHost,
    session: Session,
    wanted: Wanted,
    options: RestoreOptions,
    open_restorer: Callable[[], FaceRestorer],
    background: str = NONE,
) -> Iterator[Step]:
    """Restore them one by one. A bad file does not stop the rest; Stop takes effect between two faces or tiles."""
    session.stop_pictures.clear()
    told = without_folders if wanted.uploads else host.told
    entries: list[Entry] = []
    reporter = _PageReporter()
    total = 0
    unpacked = session.folder / f"unpacked_{secrets.token_hex(4)}"
    try:
        batch, out = _plan(host, session, wanted, unpacked)
        total = len(batch.jobs)
        entries += [Entry(word, None, "failed", f"{word}: {_for_page(why)}") for word, why in batch.problems]
        yield Step(0, total, entries, _now(batch, 0))
        start = _starter(host, session, wanted, options, open_restorer, background, reporter)
        for done, entry in enumerate(work_through(batch, start, reporter), 1):
            entries.append(replace(entry, error=entry.error and told(entry.error)))
            host.progress("picture", done, total)
            notes = tuple(map(told, reporter.notes))
            yield Step(done, total, entries, _now(batch, done), notes)
        results = _packed(entries, session) if wanted.uploads else []
        end = _end(entries, out, bool(wanted.uploads))
        yield Step(total, total, entries, end, tuple(map(told, reporter.notes)), results=results)
    except Cancelled:
        done = len(entries)
        yield Step(done, total, entries, f"Stopped after {done} of {total} pictures; no file is half-written.")
    except Exception as error:  # shown to the user, who cannot see the log
        if not isinstance(error, VqfrError):
            logger.exception("the page failed on pictures")
        yield Step(
            len(entries), total, entries, told(describe_failure(error, hint="the log says more")), is_failed=True
        )
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _plan(host: PageHost, session: Session, wanted: Wanted, unpacked: Path) -> tuple[Batch, Path]:
    """What to do, and where the results go. unpacked: for the pictures of archives."""
    if wanted.uploads:
        words, out = [str(path) for path in _pictures(wanted.uploads, unpacked)], session.folder / secrets.token_hex(4)
    else:
        words, out = _named_folders(host, wanted)
    format = wanted.saving.format
    batch = plan_batch(words, out, recursive=wanted.is_recursive, format=format, overwrite=wanted.overwrite)
    if not batch.jobs and not batch.problems:
        raise InputError("there are no pictures to work on")
    return batch, out


def _for_page(problem: str) -> str:
    """A problem with a folder, in the page's words."""
    return problem.replace("add --recursive for its sub-folders", "tick With sub-folders")


def _pictures(uploads: list[Path], unpacked: Path) -> Iterator[Path]:
    for place, path in enumerate(uploads):
        yield from unpack(path, unpacked / str(place)) if is_archive(path) else [path]


def _named_folders(host: PageHost, wanted: Wanted) -> tuple[list[str], Path]:
    """The plan: what to read and where to write, if the host allows it."""
    if not wanted.folder.strip():
        raise InputError("choose pictures to upload" + (", or name a folder" if host.folders.may_name else ""))
    if not host.folders.may_name:
        raise InputError("folders on the server cannot be named here; upload the pictures")
    source = Path(wanted.folder.strip()).expanduser()
    own = host.folders.output() if host.folders.output else source / _DEFAULT_FOLDER
    out = Path(wanted.output.strip()).expanduser() if wanted.output.strip() else own
    if not source.is_dir():
        raise InputError(f"{source}: no such folder; check the path")
    if host.folders.check:
        host.folders.check(source, False)
        host.folders.check(out, True)
    return [str(source)], out


def _starter(
    host: PageHost,
    session: Session,
    wanted: Wanted,
    options: RestoreOptions,
    open_restorer: Callable[[], FaceRestorer],
    background: str,
    reporter: Reporter,
) -> Callable[[], Work]:
    def should_stop() -> bool:
        return session.stop_pictures.is_set() or host.should_stop()

    def work(job: Job) -> Done:
        with collect_losses(), host.open_picture(job.source, host.max_pixels, should_stop) as opened, host.job():
            host.check_result(opened.num_pixels, options)
            if should_stop():
                raise Cancelled("stopped by the user")
            restorer = open_restorer()
            return restore_file(
                job,
                restorer,
                options,
                Extras(),
                wanted.saving.quality,
                reporter,
                should_stop,
                opened,
                wanted.saving.mark,
                open_background(host.backgrounds, background, restorer, options),
            )

    return lambda: work


class _PageReporter(Reporter):
    """The page shows entries and notes; other errors go to the log."""

    def __init__(self) -> None:
        self.notes: dict[str, None] = {}

    def note(self, text: str) -> None:
        self.notes[text] = None

    warn = note

    def error(self, text: str) -> None:
        logger.warning("%s", text)


def _now(batch: Batch, done: int) -> str:
    """What is being worked on."""
    if done >= len(batch.jobs):
        return "Finishing"
    return f"{done} of {len(batch.jobs)} pictures done, working on {batch.jobs[done].source.name}"


def _end(entries: list[Entry], out: Path, is_upload: bool) -> str:
    hint = f" Where no face was found, {NO_FACE_HINT}." if any(map(is_without_face, entries)) else ""
    where = " The results are below." if is_upload else f" The results are in {out}."
    return f"{count_entries(entries, 'restored')}.{where if any(entry.output for entry in entries) else ''}{hint}"


def _packed(entries: list[Entry], session: Session) -> list[Path]:
    """The single result, or all of them in a ZIP file."""
    results = [Path(entry.output) for entry in entries if entry.output]
    if len(results) < 2:
        return results
    target = session.folder / f"restored_{secrets.token_hex(4)}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in results:
            archive.write(path, path.name)
    return [target]
