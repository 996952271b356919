"""Arguments that several commands share. Every setting is made from `option_specs`, where its text and limits live."""

import argparse
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import InputError
from ..files.outputs import FORMATS
from ..files.plan import Batch, plan_batch
from ..networks.fidelity import AUTO_FIDELITY
from ..options import GROUP_TITLES, OptionSpec, RestoreOptions, option_specs, parse_fidelities

if TYPE_CHECKING:
    from ..pictures import PictureFile

PROGRAM = "python -m vqfr_core"

_METAVARS = {"fidelity": "F", "min_confidence": "C", "opacity": "A", "scale": "N", "select": "EXPR", "regions": "LIST"}
_NEGATIVE_VALUE = re.compile(r"-\d")


class UsageError(InputError):
    """The command line is not valid."""


class Parser(argparse.ArgumentParser):
    """One-line errors, no abbreviated options, and examples that keep their line breaks."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


def version() -> str:
    """The program's name and version."""
    from .. import __version__

    return f"vqfr_core {__version__}"


def usage(command: str) -> str:
    """The usage line of a command that reads and writes pictures."""
    return f"{PROGRAM} {command} INPUT... -o OUT [options]"


def join_negative_values(words: list[str]) -> list[str]:
    """`--select -1,0` as `--select=-1,0`: argparse takes a value that starts with a minus for an option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == "--select" and _NEGATIVE_VALUE.match(word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def add_settings(parser: argparse.ArgumentParser, groups: Collection[str], leave_out: Collection[str] = ()) -> None:
    """Add options for all settings of these groups except those left out."""
    for group in groups:
        section = parser.add_argument_group(GROUP_TITLES[group])
        for spec in option_specs():
            # On the command line, auto_fidelity is a word for the fidelity.
            if spec.group == group and spec.name not in (*leave_out, "auto_fidelity"):
                add_setting(section, spec)


def read_settings(arguments: argparse.Namespace) -> RestoreOptions:
    """The settings given; the others keep their defaults. Raises InputError for one that is out of range."""
    given = {**vars(arguments)}
    if given.get("fidelity") == AUTO_FIDELITY:
        given |= {"fidelity": RestoreOptions.fidelity, "auto_fidelity": True}
    return RestoreOptions(**{spec.name: given[spec.name] for spec in option_specs() if spec.name in given})


def add_inputs(parser: argparse.ArgumentParser, output_help: str) -> None:
    """Add INPUT..., -o and the options that decide which files are read and written."""
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="Picture files, folders, or patterns such as *.jpg.")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help=output_help)
    files = parser.add_argument_group("files")
    files.add_argument("--recursive", action="store_true", help="Include pictures in sub-folders.")
    files.add_argument(
        "--format",
        choices=tuple(FORMATS),
        help="Format of the results when OUT is a folder; same keeps the input's. (default png, but the pages of "
        "a TIFF are restored into a TIFF)",
    )
    files.add_argument(
        "--quality",
        type=_quality,
        default=95,
        metavar="Q",
        help="Quality of JPEG and WebP; 100 makes WebP lossless. (default 95, 1 to 100)",
    )
    files.add_argument(
        "--overwrite",
        action="store_true",
        help="Make every result again; without it, results in the folder OUT that are newer than their input are "
        "left as they are, whatever the settings were. A file OUT is always written again.",
    )
    files.add_argument("--dry-run", action="store_true", help="Say what would be done, and do nothing.")
    files.add_argument(
        "--report", type=Path, metavar="FILE.json", help="Write what was found and done to this file, as JSON."
    )


def read_batch(arguments: argparse.Namespace, places: Sequence[Path | None] = (), *, keep_pages: bool = False) -> Batch:
    """The plan for the arguments of `add_inputs`. places: other folders written to. keep_pages: see `plan_jobs`.

    Raises InputError when results would overwrite inputs or one another.
    """
    return plan_batch(
        arguments.inputs,
        arguments.output,
        recursive=arguments.recursive,
        format=arguments.format,
        overwrite=arguments.overwrite,
        report=arguments.report,
        places=places,
        keep_pages=keep_pages,
        dry_run=arguments.dry_run,
    )


def about_frames(file: "PictureFile") -> str:
    """The note for a file with more frames than the one shown."""
    if file.is_paged:
        return f"{file.path} has {file.num_frames} pages; the first is shown"
    return f"{file.path} is animated; its first frame is shown"


def add_models(parser: argparse.ArgumentParser, with_model: bool = True, with_background: bool = False) -> None:
    """Add the options for which weights are used and where they are."""
    models = parser.add_argument_group("models")
    if with_model:
        models.add_argument(
            "--model",
            default="auto",
            metavar="NAME|FILE",
            help="A name from `models list` or a weight file; auto picks the best one present. (default auto)",
        )
    if with_background:
        models.add_argument(
            "--background",
            metavar="NAME|FILE",
            help="An upscaler or cleaner for the whole picture, of those `models list` shows: Real-ESRGAN, SPAN, DAT "
            "and others. The result has the size that --scale says: at 1 the picture is cleaned. (default none)",
        )
    models.add_argument("--device", metavar="D", help="auto, cpu, cuda, cuda:1, xpu or mps. (default auto)")
    add_model_folder(models)
    models.add_argument("--no-download", action="store_true", help="Never download missing weights.")


def add_model_folder(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    parser.add_argument(
        "--model-dir",
        type=Path,
        metavar="DIR",
        help="Folder of the weights. (default $VQFR_MODEL_DIR, else a per-user data folder)",
    )


def add_talk(parser: argparse.ArgumentParser) -> None:
    """Add the options for how much is printed."""
    talk = parser.add_argument_group("messages").add_mutually_exclusive_group()
    talk.add_argument("-q", "--quiet", action="store_true", help="Print errors only.")
    talk.add_argument("-v", "--verbose", action="store_true", help="Say more.")
    parser.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)


def fidelity_list(text: str) -> tuple[float, ...]:
    """Parse numbers such as "0,0.5,1", for argparse."""
    try:
        return parse_fidelities(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def number_list(numbers: Iterable[float]) -> str:
    """The opposite of `fidelity_list`, for help."""
    return ",".join(f"{number:g}" for number in numbers)


def word_list(text: str) -> list[str]:
    """Parse words such as "a, b"."""
    return [word for part in text.split(",") if (word := part.strip())]


def _quality(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 100")
    return int(text)


def add_setting(section: argparse._ArgumentGroup, spec: OptionSpec) -> None:
    """Add the option of one setting."""
    flag, text = f"--{spec.name.replace('_', '-')}", spec.help.replace("%", "%%")
    if isinstance(spec.default, bool):
        section.add_argument(flag, action="store_true", help=text)
        return
    limits = "" if spec.minimum is None else f", {spec.minimum:g} to {spec.maximum:g}"
    kind: Callable[[str], Any] = spec.current if spec.retired else type(spec.default)
    if spec.name == "fidelity":
        kind, limits = (
            _fidelity,
            f"{limits}, or {AUTO_FIDELITY}: a number for each face, as realistic as its likeness allows",
        )
    fallback = "N" if kind is int else "X"
    section.add_argument(
        flag,
        type=kind,
        default=spec.default,
        choices=spec.choices,
        metavar=None if spec.choices else _METAVARS.get(spec.name, fallback),
        help=f"{text} (default {_shown(spec.default)}{limits})",
    )


def _fidelity(text: str) -> float | str:
    return text if text == AUTO_FIDELITY else float(text)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
