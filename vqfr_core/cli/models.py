"""`models`: the known weight files, listed, downloaded, converted and verified."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, VqfrError
from .arguments import add_model_folder, add_talk
from .console import Console

if TYPE_CHECKING:
    from ..weights.catalog import WeightRecord
    from ..weights.convert import WeightFacts

_EPILOG = """\
examples:
  python -m vqfr_core models list
  python -m vqfr_core models download vqfr_v2 parsenet
  python -m vqfr_core models convert VQFR_v2.pth VQFR_v2.safetensors --half
  python -m vqfr_core models verify

Weights go to --model-dir, else $VQFR_MODEL_DIR, else a folder of the user's data; $VQFR_MODEL_PATH names more folders
to look in, $VQFR_MIRROR other servers to download from, and VQFR_OFFLINE=1 forbids downloads.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "models",
        help="list, download, convert and verify weights",
        description="The weight files this program knows.",
        epilog=_EPILOG,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="what is known, what of it is here, and what auto takes")
    listing.set_defaults(run=_list)
    download = actions.add_parser("download", help="fetch known weights into the model folder, and check them")
    download.add_argument("names", nargs="+", metavar="NAME", help="Names from `models list`.")
    download.set_defaults(run=_download)
    convert = actions.add_parser("convert", help="rewrite weights as safetensors that describe themselves")
    convert.add_argument("source", type=Path, metavar="FILE", help="Weights, .pth or .safetensors.")
    convert.add_argument("target", type=Path, nargs="?", metavar="OUT", help="Default: beside FILE, as .safetensors.")
    convert.add_argument("--half", action="store_true", help="Store 16-bit numbers: half the size, slightly changed.")
    convert.add_argument("--overwrite", action="store_true", help="Replace OUT if it exists.")
    convert.set_defaults(run=_convert)
    verify = actions.add_parser("verify", help="read weights strictly and compare their hash with the published one")
    verify.add_argument("names", nargs="*", metavar="NAME|FILE", help="Default: all that are here.")
    verify.set_defaults(run=_verify)
    for action in (listing, download, convert, verify):
        add_model_folder(action)
        add_talk(action)


def _list(arguments: argparse.Namespace, console: Console) -> int:
    from ..weights.catalog import RECORDS
    from ..weights.folders import search_folders

    chosen = _auto_choice(arguments.model_dir)
    for record in RECORDS:
        mark = ", taken by auto" if record.name == chosen else ""
        console.say(f"{record.name:22} {record.kind:9} {_whereabouts(record, arguments.model_dir)}{mark}")
        console.say(f"{'':22} {'':9} {record.origin}; licence: {record.licence}")
    console.say(f"folders: {', '.join(map(str, search_folders(arguments.model_dir)))}")
    return 0


def _auto_choice(folder: Path | None) -> str | None:
    from ..weights.catalog import get_record
    from ..weights.folders import find_weights
    from ..weights.load import AUTO_ORDER

    records = map(get_record, AUTO_ORDER)
    return next((r.name for r in records if r.packaged_path or find_weights(r, folder)), None)


def _whereabouts(record: "WeightRecord", folder: Path | None) -> str:
    from ..weights.folders import find_weights

    path = find_weights(record, folder)
    if record.packaged_path is not None:
        return "part of this package"
    if path is not None:
        return f"here: {path}"
    size = f", {record.size / 1e6:.0f} MB" if record.size else ""
    return f"not here (`models download {record.name}`{size})" if record.urls else "not here, and not for download"


def _download(arguments: argparse.Namespace, console: Console) -> int:
    from ..weights.catalog import get_record
    from ..weights.find import fetch_weights

    records = [get_record(name) for name in arguments.names]
    num_failed = 0
    for record in records:
        if record.packaged_path is not None:
            console.say(f"{record.name}: part of this package, nothing to download")
            continue
        try:
            with console.bar(record.name, "B", in_bytes=True) as progress:
                path = fetch_weights(record.name, arguments.model_dir, progress=progress)
        except VqfrError as error:
            num_failed += 1
            console.failure(error)
            continue
        console.say(f"{record.name}: {path}")
    return 1 if num_failed else 0


def _convert(arguments: argparse.Namespace, console: Console) -> int:
    from ..weights.convert import convert_weights

    source = arguments.source.expanduser()
    target = arguments.target or source.with_suffix(".safetensors")
    if target.exists() and source.exists() and os.path.samefile(source, target):
        raise InputError(f"{target} is the input itself; give another name for the output")
    if target.exists() and not arguments.overwrite:
        raise InputError(f"{target} exists; give another name, or --overwrite to replace it")
    convert_weights(source, target, half=arguments.half)
    console.say(f"{source} -> {target}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


def _verify(arguments: argparse.Namespace, console: Console) -> int:
    from ..weights.convert import verify_weights

    paths = [_path_of(name, arguments.model_dir) for name in arguments.names] or _all_present(arguments.model_dir)
    if not paths:
        console.say("no weights are here")
    num_bad = 0
    for path in paths:
        try:
            facts = verify_weights(path)
        except VqfrError as error:
            num_bad += 1
            console.failure(error)
            continue
        if facts.hash_matches is False:
            num_bad += 1
            console.error(_verdict(facts))
        else:
            console.say(_verdict(facts))
    return 1 if num_bad else 0


def _path_of(name: str, folder: Path | None) -> Path:
    from ..weights.catalog import RECORDS, find_record
    from ..weights.folders import find_file, find_weights

    record = find_record(name)
    if record is not None:
        found = record.packaged_path or find_weights(record, folder)
        if found is None:
            raise InputError(f"{name} is not here; `models download {name}` fetches it")
        return found
    path = Path(name).expanduser()
    if path.is_file():
        return path
    found = find_file([name], folder)
    if found is None:
        known = ", ".join(record.name for record in RECORDS)
        raise InputError(f"there is no file {path}, here or in the model folder; known names are {known}")
    return found


def _all_present(folder: Path | None) -> list[Path]:
    from ..weights.catalog import RECORDS
    from ..weights.folders import find_weights

    paths = [path for record in RECORDS for path in (record.packaged_path, find_weights(record, folder)) if path]
    return list(dict.fromkeys(paths))


def _verdict(facts: "WeightFacts") -> str:
    hash_text = {
        True: f"the published {facts.record}",
        False: f"DIFFERS from the published {facts.record}",
        None: "no published hash to compare with",
    }[facts.hash_matches]
    sizes = ", ".join(f"{name}={value}" for name, value in facts.sizes.items())
    return (
        f"{facts.path}: {facts.kind}, {facts.num_parameters / 1e6:.1f} million numbers in {'/'.join(facts.dtypes)}, "
        f"{hash_text}, sha256 {facts.sha256}{f', {sizes}' if sizes else ''}"
    )
