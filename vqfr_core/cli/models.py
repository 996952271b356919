"""`models`: list, download, convert and verify the known weight files."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, VqfrError, printable
from .arguments import add_model_folder, add_talk
from .console import Console

if TYPE_CHECKING:
    from ..weights.convert import WeightFacts
    from ..weights.store import Choice, WeightStore

_EPILOG = """\
examples:
  python -m vqfr_core models list
  python -m vqfr_core models download vqfr_v2 parsenet
  python -m vqfr_core models convert VQFR_v2.pth VQFR_v2.safetensors --half
  python -m vqfr_core models verify

Weights go to --model-dir, else $VQFR_MODEL_DIR, else a per-user data folder; $VQFR_MODEL_PATH names more folders
to look in, $VQFR_MIRROR other servers to download from, and VQFR_OFFLINE=1 forbids downloads.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "models",
        help="list, download, convert and verify weights",
        description="List, download, convert and verify the known weight files.",
        epilog=_EPILOG,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list known weights, where they are, and which one auto picks")
    listing.set_defaults(run=_list)
    download = actions.add_parser("download", help="download known weights into the model folder and verify them")
    download.add_argument("names", nargs="+", metavar="NAME", help="Names from `models list`.")
    download.set_defaults(run=_download)
    convert = actions.add_parser("convert", help="convert weights to safetensors with a description inside")
    convert.add_argument("source", type=Path, metavar="FILE", help="Weights, .pth or .safetensors.")
    convert.add_argument("target", type=Path, nargs="?", metavar="OUT", help="Default: next to FILE, as .safetensors.")
    convert.add_argument("--half", action="store_true", help="Store 16-bit numbers: half the size, slightly changed.")
    convert.add_argument("--overwrite", action="store_true", help="Replace OUT if it exists.")
    convert.set_defaults(run=_convert)
    verify = actions.add_parser("verify", help="check weights and compare their hash with the published one")
    verify.add_argument("names", nargs="*", metavar="NAME|FILE", help="Default: all installed ones.")
    verify.set_defaults(run=_verify)
    for action in (listing, download, convert, verify):
        add_model_folder(action)
        add_talk(action)


def _list(arguments: argparse.Namespace, console: Console) -> int:
    from ..weights.agreements import known_agreements

    store = _store(arguments)
    chosen = store.auto_name("restorer")
    for role in store.roles():
        for choice in store.known(role):
            mark = ", taken by auto" if choice.name == chosen else ""
            console.say(f"{choice.name:22} {role:9} {_whereabouts(choice)}{mark}")
            console.say(f"{'':22} {'':9} {choice.origin}; licence: {choice.licence}")
    others = {choice.path: choice for role in ("restorer", "upscaler") for choice in store.files(role)}
    for choice in others.values():
        network = f"{choice.kind}, " if choice.kind else ""
        console.say(f"{choice.name:22} {'file':9} {network}{_whereabouts(choice)}")
    for what, agreement in sorted(known_agreements(store.folders().model).items()):
        console.say(f"precision auto: {agreement:.1f} dB from float32: {what}")
    console.say(f"folders: {', '.join(map(str, store.folders().places()))}")
    return 0


def _store(arguments: argparse.Namespace) -> "WeightStore":
    from ..weights.folders import default_folders
    from ..weights.store import WeightStore

    return WeightStore(lambda: default_folders(arguments.model_dir))


def _whereabouts(choice: "Choice") -> str:
    size = f", {choice.size / 1e6:.0f} MB" if choice.size else ""
    return {
        "packaged": "part of this package",
        "present": printable(f"here: {choice.path}"),
        "downloadable": f"not here (`models download {choice.name}`{size})",
        "absent": "not here, and not for download",
    }[choice.state]


def _download(arguments: argparse.Namespace, console: Console) -> int:
    store, num_failed = _store(arguments), 0
    for record in [store.record(name) for name in arguments.names]:
        if record.packaged_path is not None:
            console.say(f"{record.name}: part of this package, nothing to download")
            continue
        try:
            if not record.urls:
                console.say(f"{record.name}: here already, {store.find(record.role, record.name).path}")
                continue
            with console.bar(record.name, "B", in_bytes=True) as progress:
                path = store.fetch(record.name, progress)
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
    if target.exists() and source.exists() and source.samefile(target):
        raise InputError(f"{target} is the input itself; give another name for the output")
    if target.exists() and not arguments.overwrite:
        raise InputError(f"{target} exists; give another name, or --overwrite to replace it")
    convert_weights(source, target, half=arguments.half)
    console.say(f"{source} -> {target}: {target.stat().st_size / 1e6:.1f} MB")
    return 0


def _verify(arguments: argparse.Namespace, console: Console) -> int:
    from ..weights.convert import remember_first_sight, verify_weights

    store = _store(arguments)
    paths = [_path_of(name, store) for name in arguments.names] or store.present_files()
    if not paths:
        console.say("no weights found")
    num_bad = 0
    for path in paths:
        try:
            facts = verify_weights(path)
            remember_first_sight(facts, store.folders().model)
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


def _path_of(name: str, store: "WeightStore") -> Path:
    path = store.locate(None, name)
    if path is not None:
        return path
    if name not in store.names():
        known = ", ".join(store.names())
        raise InputError(f"there is no file {name}, here or in the model folder; known names are {known}")
    if not store.record(name).urls:
        raise InputError(f"{name} is not here, and not for download")
    raise InputError(f"{name} is not here; `models download {name}` fetches it")


def _verdict(facts: "WeightFacts") -> str:
    hash_text = {
        True: f"the published {facts.record}",
        False: f"DIFFERS from the published {facts.record}",
        None: "no published hash to compare with",
    }[facts.hash_matches]
    if facts.is_first_seen:
        hash_text = "unchanged since first seen" if facts.hash_matches else "DIFFERS from the file first seen here"
    sizes = ", ".join(f"{name}={value}" for name, value in facts.sizes.items())
    return printable(
        f"{facts.path}: {facts.architecture}, {facts.num_parameters / 1e6:.1f} million numbers in "
        f"{'/'.join(facts.dtypes)}, {hash_text}, sha256 {facts.sha256}{f', {sizes}' if sizes else ''}"
    )
