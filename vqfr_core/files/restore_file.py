"""The faces of one file restored into another, some frames at a time, with the further files that were asked for."""

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from ..options import RestoreOptions
from .outputs import Job, copy_whole
from .reporter import Progress, Reporter
from .run import Done
from .side_files import Extras, SideWriter

if TYPE_CHECKING:
    from ..finish import Restoration
    from ..pictures import Frame, PictureFile
    from ..pipeline.restoring.restore import ShouldStop
    from ..report import Report
    from ..restorer import FaceRestorer

_FRAMES_AT_ONCE = 8
_PIXELS_AT_ONCE = 1 << 25


def restore_file(
    job: Job,
    restorer: "FaceRestorer",
    options: RestoreOptions,
    extras: Extras,
    quality: int,
    reporter: Reporter,
    should_stop: "ShouldStop | None" = None,
    max_pixels: int | None = None,
) -> Done:
    """Restore a file into another, its frames all alike; an untouched picture keeps its bytes.

    Only some frames are in memory at a time. The result appears last, when all else that belongs to it is written;
    nothing is left half-written when the work fails or is stopped.
    """
    from ..pictures import open_picture, write_frames

    with open_picture(job.source, max_pixels) as file:
        sides = SideWriter(job, file, extras, names_fidelity=restorer.network.has_fidelity)
        work = _Work(job, file, restorer, options, sides, reporter, should_stop)
        try:
            with closing(work.results()) as results:
                write_frames(results, job.target, file.info, num_frames=file.num_frames, quality=quality)
        except _UntouchedError:
            copy_whole(job.source, job.target)  # saving a JPEG once more would change it
    return Done(_summary(work.reports), [report.to_dict() for report in work.reports])


class _UntouchedError(Exception):
    """The result would be the picture itself; what was written of it is not needed."""


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
    ) -> None:
        self.reports: list[Report] = []
        self._job, self._file, self._sides, self._reporter = job, file, sides, reporter
        self._restorer, self._options, self._should_stop = restorer, options, should_stop
        self._may_stay = options.scale == 1 and job.source.suffix.lower() == job.target.suffix.lower()

    def results(self) -> Generator["Frame", None, None]:
        """The restored frames. Raises _UntouchedError in place of the last ones when all are as they were."""
        with self._reporter.bar("frames", "frame") as frames_done, self._reporter.bar("faces", "face") as faces_done:
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

    def _portions(self) -> Iterator[list["Frame"]]:
        """Frames some at a time: enough for full batches of faces, not so many that memory runs out."""
        portion: list[Frame] = []
        num_pixels = 0.0
        for frame in self._file.frames():
            size = frame.image[0].numel() * self._options.scale**2
            if portion and (len(portion) == _FRAMES_AT_ONCE or num_pixels + size > _PIXELS_AT_ONCE):
                yield portion
                portion, num_pixels = [], 0.0
            portion.append(frame)
            num_pixels += size
        yield portion

    def _restore(self, frames: list["Frame"], faces_done: Progress) -> list["Frame"]:
        images = [frame.image for frame in frames]
        results = self._restorer.restore_many(images, self._options, progress=faces_done, should_stop=self._should_stop)
        for frame, result in zip(frames, results, strict=True):
            self._tell(result)
            self._sides.add(frame, result)
            self.reports.append(result.report)
        return [frame.with_image(result.image) for frame, result in zip(frames, results, strict=True)]

    def _tell(self, result: "Restoration") -> None:
        for note in result.report.notes:
            self._reporter.note(note)
        stages = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in result.report.timings_s.items())
        self._reporter.detail(f"{self._job.source}: {stages}")


def _handed_over(frames: list["Frame"]) -> Iterator["Frame"]:
    """The frames in order, each let go of as it is given."""
    frames.reverse()
    while frames:
        yield frames.pop()


def _summary(reports: list["Report"]) -> str:
    first = reports[0]
    if len(reports) == 1:
        return first.summary()
    found, restored = sum(len(report.faces) for report in reports), sum(report.num_restored for report in reports)
    faces = f"{restored} of {found} face{'s' if found > 1 else ''} restored" if found else "no face found"
    seconds = sum(sum(report.timings_s.values()) for report in reports)
    model = f"{first.model['name']} on {first.device} in {first.precision}"
    return f"{len(reports)} frames, {faces}, {model}, {seconds:.1f} s"
