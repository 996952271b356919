"""Decide where results go before any work is done, so that nothing overwrites an input or another result."""

import os
import shutil
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..atomic import whole_file
from ..errors import InputError
from ..pictures.formats import FORMATS as FILE_FORMATS
from ..pictures.formats import OTHER_SUFFIXES, READABLE_SUFFIXES, WRITABLE_SUFFIXES, cannot_be_written, format_of
from .inputs import Source, same_file_key
from .names import file_name, is_device, path_mark, place_key, suffix_mark

FORMATS = {format.offered[1:]: format.offered for format in FILE_FORMATS if format.offered} | {"same": ""}
"""Suffixes of the formats offered for results; `same` keeps the input's."""


@dataclass(frozen=True)
class Job:
    """One picture to work on."""

    source: Path
    """The file to read."""
    target: Path
    """The file to write."""
    name: Path
    """Name stem for side files, with the sub-folders inside OUT."""
    in_folder: bool
    """OUT is a folder, so an existing result may be kept."""

    @property
    def is_done(self) -> bool:
        """The result exists and is newer than the picture. A link is no result."""
        if not self.in_folder or self.target.is_symlink() or not self.target.is_file() or not self.source.is_file():
            return False
        return self.target.stat().st_mtime_ns >= self.source.stat().st_mtime_ns

    def make_folder(self) -> None:
        """Make the folder of the result; InputError if that fails, or a link leads out of OUT."""
        make_folder(self.target.parent, self.target.parents[len(self.name.parents) - 1])


@dataclass(frozen=True)
class SideFiles:
    """A place for side files of the pictures, such as masks."""

    place: Path
    """A folder, or the single file if `is_file`."""
    is_file: bool
    """The path is a single file."""
    taken: frozenset[str]
    """Inputs and results, by `same_file_key`, that must not be overwritten."""

    def path(self, job: Job, ending: str, suffix: str = ".png") -> Path:
        """The file for a picture, with the suffix appended. Makes its folder; InputError if the file is taken."""
        name = job.name.with_name(file_name(job.name.name, f"_{ending}{suffix}"))
        path = self.place if self.is_file else self.place / name
        if same_file_key(path) in self.taken:
            raise InputError(f"{path} is an input or a result and would be overwritten; choose another folder")
        make_folder(path.parent, path.parent if self.is_file else self.place)
        return path


def plan_jobs(sources: Sequence[Source], out: Path, *, format: str | None, keep_pages: bool = False) -> list[Job]:
    """Plan a result for each picture.

    OUT is a file if it has an image suffix and there is a single picture that was not found in a named folder; else it
    is a folder that keeps names and sub-folders. Where results would get one name, each gets its input's suffix: a.jpg
    and a.tif become a_jpg.png and a_tif.png. format: one of FORMATS, None for png. keep_pages: without a format, a file
    of several pages stays one. Raises InputError if an input would be overwritten, or OUT cannot be used.
    """
    if is_file_output(sources, out):
        if format not in (None, "same") and _plain(_suffix(sources[0], format)) != _plain(out.suffix):
            raise InputError(f"{out} and --format {format} contradict each other; leave one out")
        jobs = [Job(sources[0].path, out, Path(out.stem), False)]
    else:
        if out.is_file():
            raise InputError(f"{out} is a file; give a folder for the results")
        formats = [format or _usual_format(source, keep_pages) for source in sources]
        jobs = [_job_in_folder(source, out, own) for source, own in zip(sources, formats, strict=True)]
        for mark in (suffix_mark, path_mark):
            times = Counter(place_key(job.target) for job in jobs)
            jobs = [
                job if times[place_key(job.target)] == 1 else _job_in_folder(source, out, own, mark(source.path))
                for job, source, own in zip(jobs, sources, formats, strict=True)
            ]
    _check_targets(jobs)
    return jobs


def is_file_output(sources: Sequence[Source], out: Path) -> bool:
    """Whether OUT names the single result, not a folder."""
    if out.is_dir():
        return False
    if is_device(out.name):
        raise InputError(f"{out}: Windows keeps this name for a device; choose another")
    if cannot_be_written(out.suffix):
        suffixes = ", ".join(WRITABLE_SUFFIXES)
        raise InputError(f"{out}: {out.suffix} files cannot be written; use one of {suffixes}, or a folder")
    return len(sources) == 1 and sources[0].is_named and out.suffix.lower() in WRITABLE_SUFFIXES


def plan_side_files(place: Path, jobs: Sequence[Job], *, may_be_file: bool = False) -> SideFiles:
    """Where side files go. may_be_file: a name with an image suffix is a file if there is one picture.

    Raises InputError if that file would overwrite an input or a result, or the folder is a file.
    """
    is_file = may_be_file and len(jobs) == 1 and not place.is_dir() and place.suffix.lower() in WRITABLE_SUFFIXES
    if not is_file and place.is_file():
        raise InputError(f"{place} is a file; give a folder, because there may be several pictures")
    taken = frozenset(same_file_key(path) for job in jobs for path in (job.source, job.target))
    if is_file and same_file_key(place) in taken:
        raise InputError(f"{place} is an input or a result and would be overwritten; choose another name")
    return SideFiles(place, is_file, taken)


def check_report_path(report: Path | None, jobs: Sequence[Job]) -> None:
    """Raise InputError if the report cannot be written there."""
    if report is None:
        return
    if report.is_dir():
        raise InputError(f"{report} is a folder; give a file for the report, such as {report / 'report.json'}")
    if same_file_key(report) in {same_file_key(path) for job in jobs for path in (job.source, job.target)}:
        raise InputError(f"{report} is an input or a result and would be overwritten; choose another name")


def make_folder(folder: Path, inside: Path | None = None) -> None:
    """Make a folder and its parents; InputError if that fails, or if links lead out of the folder `inside`."""
    if inside is not None and not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(inside)):
        raise InputError(f"{folder} is a link that leads out of {inside}; remove it, or choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}; choose another") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically; InputError if it cannot be written."""
    make_folder(path.parent)
    try:
        with whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise _unwritable(path, error) from error


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file's bytes in chunks; otherwise as `write_whole`."""
    make_folder(target.parent)
    try:
        with source.open("rb") as bytes_of_source, whole_file(target) as file:
            shutil.copyfileobj(bytes_of_source, file)
    except OSError as error:
        raise _unwritable(target, error) from error


def copy_times(source: Path, target: Path) -> None:
    """Give a file the times of another; InputError if the file system refuses."""
    times = source.stat()
    try:
        os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
    except OSError as error:
        raise InputError(f"{target}: cannot be given the input's date ({error.strerror})") from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"cannot write {path}: {error.strerror}; check the folder, its permissions and space")


def _job_in_folder(source: Source, out: Path, format: str, mark: str = "") -> Job:
    """mark: comes behind the name."""
    has_suffix = source.path.suffix.lower() in (*READABLE_SUFFIXES, *OTHER_SUFFIXES)
    stem = source.relative.stem if has_suffix else source.relative.name
    target = source.relative.with_name(file_name(stem, mark + _suffix(source, format)))
    # With suffixes kept, two pictures may differ in nothing else.
    name = target if format == "same" else source.relative.with_name(stem + mark)
    return Job(source.path, out / target, name, True)


def _usual_format(source: Source, keep_pages: bool) -> str:
    """PNG, unless pages are to be kept: PNG would make an animation of them."""
    return "same" if keep_pages and _has_pages(source.path) else "png"


def _has_pages(path: Path) -> bool:
    """Whether it is named as a file that can have several pages, and has. A damaged one is reported when it is read."""
    from ..pictures import open_picture

    format = format_of(path.suffix)
    if format is None or not format.pages:
        return False
    try:
        with open_picture(path) as file:
            return file.is_paged
    except InputError:
        return False


def _suffix(source: Source, format: str) -> str:
    own = source.path.suffix
    if format == "same":
        return own if own.lower() in WRITABLE_SUFFIXES else ".png"
    # Keep the spelling if the input already has the format: photo.JPEG stays photo.JPEG.
    return own if _plain(own) == _plain(FORMATS[format]) else FORMATS[format]


def _plain(suffix: str) -> str:
    """One spelling for all suffixes of a format."""
    format = format_of(suffix)
    return suffix.lower() if format is None else format.suffixes[0]


def _check_targets(jobs: Collection[Job]) -> None:
    sources = {same_file_key(job.source) for job in jobs}
    for job in jobs:
        if same_file_key(job.target) in sources:
            raise InputError(f"{job.target} is an input and would be overwritten; give another OUT")
