"""`restore`: restore the faces in pictures."""

import argparse
from pathlib import Path

from ..errors import InputError
from ..files.outputs import plan_side_files
from ..files.plan import Batch
from ..files.restore_file import restore_file
from ..files.run import Work, run_batch
from ..files.side_files import Extras
from ..options import CropOptions, option_specs
from .arguments import add_inputs, add_models, add_setting, add_settings, add_talk, read_batch, read_settings, usage
from .console import Console

_EPILOG = """\
examples:
  python -m vqfr_core restore photo.jpg -o restored.png --compare compare.png
  python -m vqfr_core restore photos "more/*.jpg" -o restored --recursive --format jpg
  python -m vqfr_core restore portrait.png -o out.png --model vqfr_v2 --fidelity 0.1
  python -m vqfr_core restore group.jpg -o out.png --select 0,2 --sort left-right --opacity 0.8
  python -m vqfr_core restore face.png -o out.png --aligned
  python -m vqfr_core restore photo.jpg -o large.png --scale 4 --background RealESRGAN_x4plus.pth

OUT is a file if it has an image suffix and there is one picture, else a folder that keeps names and sub-folders. A
picture without a face is written unchanged, unless --background or --scale changes it. Inputs are never overwritten.
Exit status: 0 all done, 1 something failed (the rest was done), 2 usage error, 130 interrupted.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "restore",
        usage=usage("restore"),
        help="restore the faces in pictures",
        description="Find the faces in pictures, restore them and put them back.",
        epilog=_EPILOG,
    )
    add_inputs(parser, "The result: a file for one picture, or a folder.")
    more = parser.add_argument_group("further results")
    more.add_argument("--compare", type=Path, metavar="FILE", help="Picture of before and after; a folder for several.")
    more.add_argument(
        "--crops",
        type=Path,
        metavar="DIR",
        help="Each face before and after the network; in another size or framing than the network's, cut from the "
        "picture before and after.",
    )
    for spec in option_specs(CropOptions):
        add_setting(more, spec)
    more.add_argument("--masks", type=Path, metavar="DIR", help="Where each picture changed; white is fully changed.")
    more.add_argument(
        "--layers",
        type=Path,
        metavar="DIR",
        help="Each restored face alone and in place, as a transparent PNG: a layer for Photoshop or GIMP.",
    )
    more.add_argument("--keep-dates", action="store_true", help="Give results the dates of their inputs.")
    more.add_argument(
        "--salvage",
        action="store_true",
        help="Restore what is left of a JPEG or PNG that is cut off; without it, such files fail.",
    )
    more.add_argument(
        "--no-mark",
        dest="mark",
        action="store_false",
        help="Do not note in a changed picture's XMP that a trained model made part of it (IPTC digital source type).",
    )
    add_settings(parser, ("restore", "detect", "select", "blend", "measure"))
    add_models(parser, with_background=True)
    add_talk(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """The exit status; see `run_batch`."""
    options = read_settings(arguments)
    if options.aligned and arguments.background:
        raise InputError("--aligned and --background cannot be given together: there is nothing around the face")
    batch = read_batch(
        arguments, (arguments.crops, arguments.masks, arguments.compare, arguments.layers), keep_pages=True
    )
    extras = _plan_extras(arguments, batch)

    def start() -> Work:
        from .networks import open_restorer

        restorer = open_restorer(arguments, options, console)
        background = arguments.background and restorer.enlarger(arguments.background)
        return lambda job: restore_file(
            job,
            restorer,
            options,
            extras,
            arguments.quality,
            console,
            mark=arguments.mark,
            background=background,
            keep_dates=arguments.keep_dates,
            salvage=arguments.salvage,
        )

    return run_batch(batch, start, console)


def _plan_extras(arguments: argparse.Namespace, batch: Batch) -> Extras:
    jobs = batch.jobs
    return Extras(
        arguments.compare and plan_side_files(arguments.compare, jobs, may_be_file=True),
        arguments.crops and plan_side_files(arguments.crops, jobs),
        arguments.masks and plan_side_files(arguments.masks, jobs),
        arguments.layers and plan_side_files(arguments.layers, jobs),
        CropOptions(crop_px=arguments.crop_px, crop_factor=arguments.crop_factor),
    )
