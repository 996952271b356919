"""`sweep`: show the faces of a picture at several fidelities, in one labelled picture."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import InputError
from ..files.outputs import Job
from ..files.run import Done, Work, run_batch
from ..options import RestoreOptions
from .arguments import (
    about_frames,
    add_inputs,
    add_models,
    add_settings,
    add_talk,
    fidelity_list,
    read_batch,
    read_settings,
    usage,
)
from .console import Console

if TYPE_CHECKING:
    from PIL import Image

    from ..pictures import Picture
    from ..restoration import Restoration
    from ..restorer import FaceRestorer

_LONGEST_WHOLE_PX = 1280

_EPILOG = """\
examples:
  python -m vqfr_core sweep portrait.jpg -o sweep.png
  python -m vqfr_core sweep group.jpg -o sweep.jpg --fidelities 0,0.1,0.5,1 --select largest
  python -m vqfr_core sweep portrait.jpg -o sweep.png --whole

One row per face: the input first, then each fidelity. A v1 does not change above 0.5.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "sweep",
        usage=usage("sweep"),
        help="show the faces of a picture at several fidelities",
        description="Restore the faces of a picture at several fidelities, at about the cost of one.",
        epilog=_EPILOG,
    )
    add_inputs(parser, "The grid: a file for one picture, or a folder.")
    parser.add_argument(
        "--fidelities",
        type=fidelity_list,
        default=(0.0, 0.25, 0.5, 0.75, 1.0),
        metavar="F,F,...",
        help="0 is the texture alone, 1 closest to the input. (default 0,0.25,0.5,0.75,1)",
    )
    parser.add_argument("--whole", action="store_true", help="Show the whole picture instead of each face.")
    add_settings(parser, ("restore", "detect", "select", "blend"), leave_out=("fidelity",))
    add_models(parser)
    add_talk(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The exit status; see `run_batch`."""
    options = read_settings(arguments)
    batch = read_batch(arguments)

    def start() -> Work:
        from .networks import open_restorer

        restorer = open_restorer(arguments, options, console)
        restorer.model.require_fidelity()
        return lambda job: _sweep_file(job, restorer, options, arguments, console)

    return run_batch(batch, start, console)


def _sweep_file(
    job: Job, restorer: "FaceRestorer", options: RestoreOptions, arguments: argparse.Namespace, console: Console
) -> Done:
    from ..drawing.sheet import draw_sweep
    from ..pictures import open_picture, write_picture
    from ..pictures.stills import first_frame, picture_of

    with open_picture(job.source) as file:
        if file.num_frames > 1:
            console.note(about_frames(file))
        still = first_frame(file)
    with console.bar("faces", "face") as progress:
        results = restorer.sweep(still.images[0], arguments.fidelities, options, progress=progress)
    report = results[0].report
    if not results[0].faces:
        raise InputError(f"{report.summary()}; nothing to compare (`detect` shows what was found)")
    if arguments.whole:
        grid = _draw_whole(still, results, arguments.fidelities)
    else:
        grid = draw_sweep([result.found.used for result in results], arguments.fidelities)
    write_picture(picture_of(grid, still), job.target, quality=arguments.quality)
    return Done(report.summary(), [report.to_dict()])


def _draw_whole(still: "Picture", results: Sequence["Restoration"], fidelities: Sequence[float]) -> "Image.Image":
    from ..drawing.sheet import draw_grid, fit, sweep_columns
    from ..pictures.stills import flatten_frame

    frames = [still.frames[0], *(still.with_images([result.image]).frames[0] for result in results)]
    row = [fit(flatten_frame(frame), _LONGEST_WHOLE_PX) for frame in frames]
    return draw_grid([row], sweep_columns(fidelities))
