"""`detect`: show which faces are found, which would be restored, and why others are skipped."""

import argparse
import dataclasses
from typing import TYPE_CHECKING

from ..files.outputs import Job
from ..files.run import Done, Work, run_batch
from ..options import RestoreOptions
from .arguments import about_frames, add_inputs, add_models, add_settings, add_talk, read_batch, read_settings, usage
from .console import Console

if TYPE_CHECKING:
    from ..networks.base import Detector
    from ..types import ImageFaces

_EPILOG = """\
examples:
  python -m vqfr_core detect group.jpg -o faces.png
  python -m vqfr_core detect group.jpg -o faces.png --sort left-right --min-confidence 0.6
  python -m vqfr_core detect photos -o found --report faces.json

Faces that `restore` would restore with the same settings are green, with number and score; others are orange,
with their score and the reason. Small pictures are enlarged to keep the text readable.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "detect",
        usage=usage("detect"),
        help="show which faces are found",
        description="Draw the boxes, landmarks, numbers and scores of faces onto their picture.",
        epilog=_EPILOG,
    )
    add_inputs(parser, "The drawing: a file for one picture, or a folder.")
    add_settings(parser, ("detect", "select", "measure"))
    add_models(parser, with_model=False)
    add_talk(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The exit status; see `run_batch`."""
    options = read_settings(arguments)
    batch = read_batch(arguments)

    def start() -> Work:
        from .networks import open_detector

        detector = open_detector(arguments, options, console)
        return lambda job: _detect_file(job, detector, options, arguments.quality, console)

    return run_batch(batch, start, console)


def _detect_file(job: Job, detector: "Detector", options: RestoreOptions, quality: int, console: Console) -> Done:
    from ..drawing.faces import draw_faces
    from ..pictures import open_picture, write_picture
    from ..pictures.stills import first_frame, flatten_frame, picture_of
    from ..pipeline import crop_faces, find_faces, select_faces, skip_sharp_faces
    from ..report import face_reports

    with open_picture(job.source) as file:
        if file.num_frames > 1:
            console.note(about_frames(file))
        picture = first_frame(file)
    frame = picture.frames[0]
    (found,) = crop_faces(select_faces(find_faces([frame.image], detector, options), options))
    if options.only_degraded:
        (found,) = skip_sharp_faces([found])
    write_picture(picture_of(draw_faces(flatten_frame(frame), found), picture), job.target, quality=quality)
    faces = [dataclasses.asdict(face) for face in face_reports(found, "found")]
    return Done(_summary(found), [{"size": found.size, "detector": found.made_by.detector, "faces": faces}])


def _summary(found: "ImageFaces") -> str:
    from ..report import count_found, count_reasons

    reasons, num_used = [face.skipped for face in found.faces if face.skipped is not None], len(found.used)
    if not found.faces:
        return count_found(0)
    others = f" (not: {count_reasons(reasons)})" if reasons else ""
    return f"{count_found(len(found.faces))}, {num_used} to be used{others}"
