"""`sweep`: show the faces of a picture at several fidelities or by several models, in one labelled picture."""

import argparse
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..errors import InputError
from ..files.outputs import Job
from ..files.run import Done, Work, run_batch
from ..networks.fidelity import DEFAULT_FIDELITY, SWEEP_FIDELITIES
from ..options import RestoreOptions
from .arguments import (
    about_frames,
    add_inputs,
    add_models,
    add_settings,
    add_talk,
    fidelity_list,
    number_list,
    read_batch,
    read_settings,
    usage,
    word_list,
)
from .console import Console

if TYPE_CHECKING:
    from PIL import Image

    from ..interactive import Compared
    from ..pictures import Picture
    from ..restorer import FaceRestorer

_LONGEST_WHOLE_PX = 1280

_EPILOG = """\
examples:
  python -m vqfr_core sweep portrait.jpg -o sweep.png
  python -m vqfr_core sweep group.jpg -o sweep.jpg --fidelities 0,0.1,0.5,1 --select largest
  python -m vqfr_core sweep portrait.jpg -o sweep.png --whole
  python -m vqfr_core sweep group.jpg -o sweep.jpg --models vqfr_v2,GFPGANv1.4,codeformer

One row per face: the input first, then each fidelity, or each model. A v1 does not change above 0.5; a model without
fidelity (`models list` shows the models) has one column.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "sweep",
        usage=usage("sweep"),
        help="show the faces of a picture at several fidelities or by several models",
        description="Restore the faces of a picture at several fidelities, at about the cost of one, or by several "
        "models.",
        epilog=_EPILOG,
    )
    add_inputs(parser, "The grid: a file for one picture, or a folder.")
    parser.add_argument(
        "--fidelities",
        type=fidelity_list,
        metavar="F,F,...",
        help="0 is the texture alone, 1 closest to the input. "
        f"(default {number_list(SWEEP_FIDELITIES)}; {DEFAULT_FIDELITY:g} with --models)",
    )
    parser.add_argument(
        "--models", type=word_list, metavar="NAME|FILE,...", help="Models to compare, instead of --model."
    )
    parser.add_argument("--whole", action="store_true", help="Show the whole picture instead of each face.")
    add_settings(parser, ("restore", "detect", "select", "blend", "measure"), leave_out=("fidelity",))
    add_models(parser)
    add_talk(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The exit status; see `run_batch`."""
    options = read_settings(arguments)
    batch = read_batch(arguments)
    if arguments.models and arguments.model != "auto":
        raise InputError("--model and --models cannot be given together")

    def start() -> Work:
        from .networks import open_restorer, open_restorers

        if arguments.models:
            restorers = open_restorers(arguments, arguments.models, options, console)
            fidelities = arguments.fidelities or (options.fidelity,)
        else:
            restorers, fidelities = (
                [open_restorer(arguments, options, console)],
                arguments.fidelities or SWEEP_FIDELITIES,
            )
            restorers[0].model.require_fidelity()
        return lambda job: _sweep_file(job, restorers, fidelities, options, arguments, console)

    return run_batch(batch, start, console)


def _sweep_file(
    job: Job,
    restorers: "Sequence[FaceRestorer]",
    fidelities: Sequence[float],
    options: RestoreOptions,
    arguments: argparse.Namespace,
    console: Console,
) -> Done:
    from ..drawing.sheet import draw_comparison
    from ..interactive import InteractiveImage, compare
    from ..pictures import open_picture, write_picture
    from ..pictures.stills import first_frame, picture_of

    with open_picture(job.source) as file:
        if file.num_frames > 1:
            console.note(about_frames(file))
        still = first_frame(file)
    image = InteractiveImage(still.images[0], max_bytes=0)
    openers = [partial(_itself, restorer) for restorer in restorers]
    with console.bar("faces", "face") as progress:
        columns = compare(image, openers, fidelities, options, progress=progress)
    report = columns[0].result.report
    if not columns[0].result.faces:
        raise InputError(f"{report.summary()}; nothing to compare (`detect` shows what was found)")
    names = _column_names(columns, len(restorers))
    if arguments.whole:
        grid = _draw_whole(still, columns, names)
    else:
        grid = draw_comparison([column.result.found.used for column in columns], names)
    write_picture(picture_of(grid, still), job.target, quality=arguments.quality)
    if len(restorers) > 1:
        for name, column in zip(names, columns, strict=True):
            for warning in column.result.report.warnings:
                console.warn(f"{job.source}: {name}: {warning}")
    return _done(columns, len(restorers))


def _itself(restorer: "FaceRestorer") -> "FaceRestorer":
    return restorer


def _column_names(columns: "Sequence[Compared]", num_models: int) -> list[str]:
    """With one model the fidelities say enough."""
    if num_models > 1:
        return [column.label for column in columns]
    from ..drawing.sheet import sweep_columns

    return sweep_columns([column.result.report.options["fidelity"] for column in columns])[1:]


def _draw_whole(still: "Picture", columns: "Sequence[Compared]", names: Sequence[str]) -> "Image.Image":
    from ..drawing.sheet import draw_grid, fit
    from ..pictures.stills import flatten_frame

    frames = [still.frames[0], *(still.with_images([column.result.image]).frames[0] for column in columns)]
    row = [fit(flatten_frame(frame), _LONGEST_WHOLE_PX) for frame in frames]
    return draw_grid([row], ["input", *names])


def _done(columns: "Sequence[Compared]", num_models: int) -> Done:
    """The report of the first column, with the models and faces of all."""
    from ..report import count_used

    report = columns[0].result.report
    if num_models == 1:
        return Done(report.summary(), [report.to_dict()])
    models = {column.result.report.model["name"]: column.result.report.model for column in columns}
    line = f"{count_used(report.num_restored, len(report.faces))}; compared: {', '.join(models)}"
    compared = [{"name": column.label, "faces": column.result.report.to_dict()["faces"]} for column in columns]
    return Done(line, [{**report.to_dict(), "models": list(models.values()), "compared": compared}])
