"""`detect`: shows which faces are found, which would be restored, and why the others are left alone."""

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from ..files.outputs import Job
from ..files.run import Done, Work, run_batch
from ..options import RestoreOptions
from .arguments import about_frames, add_inputs, add_models, add_settings, add_talk, read_batch, read_settings, usage
from .console import Console

if TYPE_CHECKING:
    from ..types import Detections
    from ..weights.detector import FaceDetectorNet

_EPILOG = """\
examples:
  python -m vqfr_core detect group.jpg -o faces.png
  python -m vqfr_core detect group.jpg -o faces.png --sort left-right --min-confidence 0.6
  python -m vqfr_core detect photos -o found --report faces.json

Faces that `restore` would take with the same settings are green, with their number and score; the others are orange,
with their score and the reason. A small picture is enlarged, so that the text can be read.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "detect",
        usage=usage("detect"),
        help="show which faces are found",
        description="Draw the boxes, landmarks, numbers and scores of faces into their picture.",
        epilog=_EPILOG,
    )
    add_inputs(parser, "The drawing: a file for one picture, or a folder.")
    add_settings(parser, ("detect", "select"))
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


def _detect_file(
    job: Job, detector: "FaceDetectorNet", options: RestoreOptions, quality: int, console: Console
) -> Done:
    from ..drawing.faces import draw_faces
    from ..pictures import open_picture, write_picture
    from ..pictures.stills import first_frame, flatten_frame, picture_of
    from ..pipeline.finding.find import find_faces

    with open_picture(job.source) as file:
        if file.num_frames > 1:
            console.note(about_frames(file))
        picture = first_frame(file)
    frame = picture.frames[0]
    (detections,) = find_faces([frame.image], detector, options)
    drawing = draw_faces(flatten_frame(frame), detections)
    write_picture(picture_of(drawing, picture), job.target, quality=quality)
    return Done(_summary(detections), [_report(detections, frame.image.shape, detector.name)])


def _report(detections: "Detections", shape: tuple[int, ...], detector: str) -> dict[str, Any]:
    from ..report import face_report

    used = [face_report(face, number) for number, face in enumerate(detections.faces)]
    left = [face_report(skipped.detection, None, skipped.reason) for skipped in detections.skipped]
    faces = [dataclasses.asdict(face) for face in used + left]
    for face in faces[: len(used)]:
        face["status"] = "found"
    return {"size": (shape[1], shape[2]), "detector": detector, "faces": faces}


def _summary(detections: "Detections") -> str:
    from ..report import count_reasons

    num_used, num_left = len(detections.faces), len(detections.skipped)
    if not num_used + num_left:
        return "no face found"
    others = f" (not: {count_reasons(skipped.reason for skipped in detections.skipped)})" if num_left else ""
    return f"{num_used + num_left} face{'s' if num_used + num_left > 1 else ''} found, {num_used} to be used{others}"
