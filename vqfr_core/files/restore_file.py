"""Restore the faces of one file into another, a few frames at a time, with the side files asked for."""

import dataclasses
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from ..errors import InputError
from ..options import RestoreOptions
from ..pictures.formats import FORMATS, format_of, suffixes_of
from .outputs import Job, copy_times, copy_whole
from .reporter import Progress, Reporter
from .run import Done
from .side_files import Extras, SideWriter

if TYPE_CHECKING:
    from ..pictures import Frame, PictureFile, PictureInfo
    from ..pipeline.enlarging.enlarger import Enlarger
    from ..pipeline.restoring.restore import ShouldStop
    from ..report import Report
    from ..restoration import Restoration
    from ..restorer import FaceRestorer

AnyInfo = TypeVar("AnyInfo", bound="PictureInfo")


def restore_file(
    job: Job,
    restorer: "FaceRestorer",
    options: RestoreOptions,
    extras: Extras,
    quality: int,
    reporter: Reporter,
    should_stop: "ShouldStop | None" = None,
    opened: "PictureFile | None" = None,
    mark: bool = True,
    background: "Enlarger | None" = None,
    keep_dates: bool = False,
    salvage: bool = False,
) -> Done:
    """Restore a file into another, with the same settings for all frames; an untouched picture keeps its bytes.

    Only a few frames are in memory at a time. The result appears last, after its side files; nothing is left
    half-written if the work fails or is stopped. opened: the source, if it is open already; it is closed. mark: whether
    a changed picture's XMP says that a trained model made part of it, as the IPTC asks. background: enlarges or cleans
    what the faces are put onto. keep_dates: give the result the source's times. salvage: see `open_picture`. What the
    result could not keep becomes notes of the report. Raises InputError if the target cannot hold the file's pages.
    """
    from ..pictures import open_picture, write_frames
    from ..pictures.losses import collect_losses

    with collect_losses() as losses, opened or open_picture(job.source, salvage=salvage) as file:
        _check_pages(job, file)
        sides = SideWriter(job, file, extras)
        work = _Work(job, file, restorer, options, sides, reporter, should_stop, background)
        try:
            with closing(work.results()) as results:
                info = work.marked_info if mark else file.info
                write_frames(results, job.target, info, num_frames=file.num_frames, quality=quality)
        except _UntouchedError:
            copy_whole(job.source, job.target)  # saving a JPEG again would change it
            losses.clear()
    if keep_dates:
        copy_times(job.source, job.target)
    for loss in dict.fromkeys(losses):
        (reporter.detail if loss.is_usual else reporter.note)(loss.text)
        work.reports[0].notes.append(loss.text)
    return Done(_summary(work.reports), [report.to_dict() for report in work.reports])


def marked(info: AnyInfo, suffix: str) -> AnyInfo:
    """The metadata with the mark of a composite, if files of the suffix can hold it."""
    from ..pictures.losses import tell_loss
    from ..pictures.xmp import mark_composite

    target = format_of(suffix)
    if target is None or "xmp" not in target.carries:
        tell_loss(f"a {suffix} file has no place for the mark of a restored picture", is_usual=True)
        return info
    packet = mark_composite(info.xmp)
    if packet is None:
        tell_loss("the XMP packet is damaged and stays as it is, without the mark of a restored picture")
        return info
    return dataclasses.replace(info, xmp=packet)


def _check_pages(job: Job, file: "PictureFile") -> None:
    """A format of animations would take pages for frames."""
    target = format_of(job.target.suffix)
    if file.is_paged and target is not None and not target.pages:
        suffixes = suffixes_of(format for format in FORMATS if format.pages)
        raise InputError(f"{job.target}: {target.name} cannot hold the input's {file.num_frames} pages; use {suffixes}")


class _UntouchedError(Exception):
    """The result would equal the input; what was written of it is not needed."""


class _Work:
    """One file on its way."""

    def __init__(
        self,
        job: Job,
        file: "PictureFile",
        restorer: "FaceRestorer",
        options: RestoreOptions,
        sides: SideWriter,
        reporter: Reporter,
        should_stop: "ShouldStop | None",
        background: "Enlarger | None",
    ) -> None:
        self.reports: list[Report] = []
        self._job, self._file, self._sides, self._reporter = job, file, sides, reporter
        self._restorer, self._options, self._should_stop = restorer, options, should_stop
        self._background = background
        has_suffix = job.source.suffix.lower() == job.target.suffix.lower()
        self._may_stay = options.scale == 1 and background is None and has_suffix and not file.is_salvaged

    def results(self) -> Generator["Frame", None, None]:
        """The restored frames. Raises _UntouchedError instead of the last ones if nothing changed."""
        bar = self._reporter.bar
        with (
            bar("frames", "frame") as frames_done,
            bar("faces", "face") as faces_done,
            bar("background", "tile") as tiles_done,
        ):
            if self._background is not None:
                self._background = dataclasses.replace(self._background, progress=tiles_done)
            for frames in self._portions():
                if len(frames) < self._file.num_frames:
                    frames_done(len(self.reports), self._file.num_frames)
                restored = self._restore(frames, faces_done)
                frames.clear()  # so that only the results are in memory while they are written
                if len(self.reports) == self._file.num_frames:
                    self._sides.finish()
                    if self._may_stay and not any(report.num_restored for report in self.reports):
                        raise _UntouchedError
                yield from _handed_over(restored)

    def marked_info(self) -> "PictureInfo":
        """The metadata, with the mark of a composite if a face was restored, or may still be in later frames."""
        is_changed = any(report.has_changes for report in self.reports) or len(self.reports) < self._file.num_frames
        return marked(self._file.info, self._job.target.suffix) if is_changed else self._file.info

    def _portions(self) -> Iterator[list["Frame"]]:
        """A few frames at a time: enough for full batches of faces, few enough to fit in memory."""
        from ..pipeline.portions import IMAGES_AT_ONCE, PIXELS_AT_ONCE

        portion: list[Frame] = []
        num_pixels = 0.0
        for frame in self._file.frames():
            size = frame.image[0].numel() * self._options.scale**2
            if portion and (len(portion) == IMAGES_AT_ONCE or num_pixels + size > PIXELS_AT_ONCE):
                yield portion
                portion, num_pixels = [], 0.0
            portion.append(frame)
            num_pixels += size
        yield portion

    def _restore(self, frames: list["Frame"], faces_done: Progress) -> list["Frame"]:
        images = [frame.image for frame in frames]
        results = self._restorer.restore_many(
            images, self._options, background=self._background, progress=faces_done, should_stop=self._should_stop
        )
        for frame, result in zip(frames, results, strict=True):
            self._tell(result)
            self._sides.add(frame, result)
            self.reports.append(result.report)
        return [frame.with_image(result.image) for frame, result in zip(frames, results, strict=True)]

    def _tell(self, result: "Restoration") -> None:
        for note in result.report.notes:
            self._reporter.note(note)
        for warning in result.report.warnings:
            self._reporter.warn(f"{self._job.source}: {warning}")
        stages = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in result.report.timings_s.items())
        self._reporter.detail(f"{self._job.source}: {stages}")


def _handed_over(frames: list["Frame"]) -> Iterator["Frame"]:
    """The frames in order, each let go of as it is given."""
    frames.reverse()
    while frames:
        yield frames.pop()


def _summary(reports: list["Report"]) -> str:
    from ..report import count_used

    first = reports[0]
    if len(reports) == 1:
        return first.summary()
    found, restored = sum(len(report.faces) for report in reports), sum(report.num_restored for report in reports)
    seconds = sum(sum(report.timings_s.values()) for report in reports)
    return f"{len(reports)} frames, {count_used(restored, found)}, {first.made_with}, {seconds:.1f} s"
