"""`restore`: the faces of pictures, restored."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..files.outputs import Job, SideFiles, plan_side_files, write_whole
from ..files.run import Batch, Done, Work, plan_batch, run_batch
from ..options import RestoreOptions
from .arguments import add_inputs, add_models, add_settings, add_talk, read_settings, usage
from .console import Console

if TYPE_CHECKING:
    from ..finish import Restoration
    from ..pictures import Picture
    from ..pipeline.restoring.restore import ShouldStop
    from ..restorer import FaceRestorer

_FRAMES_AT_ONCE = 8
_PIXELS_AT_ONCE = 1 << 25

_EPILOG = """\
examples:
  python -m vqfr_core restore photo.jpg -o restored.png --compare compare.png
  python -m vqfr_core restore photos "more/*.jpg" -o restored --recursive --format jpg
  python -m vqfr_core restore portrait.png -o out.png --model vqfr_v2 --fidelity 0.1
  python -m vqfr_core restore group.jpg -o out.png --select 0,2 --sort left-right --opacity 0.8
  python -m vqfr_core restore face.png -o out.png --aligned

OUT is a file when it has an image suffix and there is one picture, else a folder, in which names and sub-folders are
kept. A picture without a face is written unchanged. Inputs are never overwritten.
Exit status: 0 all done, 1 something failed (the rest is done), 2 wrong usage, 130 interrupted.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "restore",
        usage=usage("restore"),
        help="restore the faces of pictures",
        description="Find the faces of pictures, restore them and put them back.",
        epilog=_EPILOG,
    )
    add_inputs(parser, "The result: a file for one picture, or a folder.")
    more = parser.add_argument_group("further results")
    more.add_argument("--compare", type=Path, metavar="FILE", help="Picture of before and after; a folder for several.")
    more.add_argument("--crops", type=Path, metavar="DIR", help="Each face as the network got it and as it came out.")
    more.add_argument("--masks", type=Path, metavar="DIR", help="Where each picture was changed, white is fully.")
    add_settings(parser, ("restore", "detect", "select", "blend"))
    add_models(parser)
    add_talk(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The exit status; see `run_batch`."""
    options = read_settings(arguments)
    batch = plan_batch(arguments, (arguments.crops, arguments.masks, arguments.compare))
    extras = _plan_extras(arguments, batch)

    def start() -> Work:
        from .networks import open_restorer

        restorer = open_restorer(arguments, options, console)
        return lambda job: restore_file(job, restorer, options, extras, arguments.quality, console)

    return run_batch(batch, start, console)


@dataclass(frozen=True)
class Extras:
    """Further files to write."""

    compare: SideFiles | None = None
    """Before and after."""
    crops: SideFiles | None = None
    """Each face as the network got it and as it came out."""
    masks: SideFiles | None = None
    """Where the picture was changed."""


def _plan_extras(arguments: argparse.Namespace, batch: Batch) -> Extras:
    jobs = batch.jobs
    return Extras(
        arguments.compare and plan_side_files(arguments.compare, jobs, may_be_file=True),
        arguments.crops and plan_side_files(arguments.crops, jobs),
        arguments.masks and plan_side_files(arguments.masks, jobs),
    )


def restore_file(
    job: Job,
    restorer: "FaceRestorer",
    options: RestoreOptions,
    extras: Extras,
    quality: int,
    console: Console,
    should_stop: "ShouldStop | None" = None,
    max_pixels: int | None = None,
) -> Done:
    """Restore a file into another, its frames all alike; an untouched picture keeps its bytes."""
    from ..pictures import read_picture, write_picture

    picture = read_picture(job.source, max_pixels)
    results = _restore_frames(picture, restorer, options, console, should_stop)
    for result in results:
        for note in result.report.notes:
            console.note(note)
        stages = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in result.report.timings_s.items())
        console.detail(f"{job.source}: {stages}")
    _write_extras(job, picture, results, extras)
    is_untouched = not any(result.faces for result in results) and options.scale == 1
    if is_untouched and job.source.suffix.lower() == job.target.suffix.lower():
        write_whole(job.target, job.source.read_bytes())  # saving a JPEG once more would change it
    else:
        write_picture(picture.with_images([result.image for result in results]), job.target, quality=quality)
    return Done(_summary(results), [result.report.to_dict() for result in results])


def _restore_frames(
    picture: "Picture",
    restorer: "FaceRestorer",
    options: RestoreOptions,
    console: Console,
    should_stop: "ShouldStop | None",
) -> list["Restoration"]:
    """All frames, some at a time: enough for full batches of faces, not so many that memory runs out."""
    images = picture.images
    at_once = max(1, min(_FRAMES_AT_ONCE, _PIXELS_AT_ONCE // images[0][0].numel()))
    results: list[Restoration] = []
    with console.bar("frames", "frame") as frames_done, console.bar("faces", "face") as faces_done:
        for start in range(0, len(images), at_once):
            if len(images) > at_once:
                frames_done(start, len(images))
            part = images[start : start + at_once]
            results += restorer.restore_many(part, options, progress=faces_done, should_stop=should_stop)
    return results


def _write_extras(job: Job, picture: "Picture", results: Sequence["Restoration"], extras: Extras) -> None:
    from ..pictures import write_picture
    from ..pictures.stills import mask_picture

    if extras.crops is not None:
        _write_crops(job, results, extras.crops)
    if extras.masks is not None:
        write_picture(mask_picture([result.mask for result in results], picture), extras.masks.path(job, "mask"))
    if extras.compare is not None:
        write_picture(_comparison(picture, results), extras.compare.path(job, "compare"))


def _write_crops(job: Job, results: Sequence["Restoration"], crops: SideFiles) -> None:
    from ..pictures import Frame, Picture, write_picture

    for number, result in enumerate(results):
        frame = f"frame{number:04d}_" if len(results) > 1 else ""
        for index, face in enumerate(result.faces):
            for kind, image in (("input", face.crop.image), ("restored", face.image)):
                write_picture(Picture((Frame(image),)), crops.path(job, f"{frame}face{index}_{kind}"))


def _comparison(picture: "Picture", results: Sequence["Restoration"]) -> "Picture":
    """Before and after; of an animation the first frame with a face."""
    from ..drawing.sheet import draw_grid
    from ..pictures.stills import flatten_frame, picture_of, still_of

    number = next((i for i, result in enumerate(results) if result.faces), 0)
    report = results[number].report
    before = still_of(picture, number)
    after = before.with_images([results[number].image])
    fidelity = f", fidelity {report.options['fidelity']:g}" if report.model["generation"] == 2 else ""
    images = [flatten_frame(still.frames[0]) for still in (before, after)]
    return picture_of(draw_grid([images], ["input", f"{report.model['name']}{fidelity}"]), picture)


def _summary(results: Sequence["Restoration"]) -> str:
    first = results[0].report
    if len(results) == 1:
        return first.summary()
    reports = [result.report for result in results]
    found, restored = sum(len(report.faces) for report in reports), sum(report.num_restored for report in reports)
    faces = f"{restored} of {found} face{'s' if found > 1 else ''} restored" if found else "no face found"
    seconds = sum(sum(report.timings_s.values()) for report in reports)
    model = f"{first.model['name']} on {first.device} in {first.precision}"
    return f"{len(results)} frames, {faces}, {model}, {seconds:.1f} s"
