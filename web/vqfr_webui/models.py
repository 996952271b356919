"""Which models there are, by name. No name reaches outside the folders."""

from pathlib import Path
from typing import Any

from vqfr_core.errors import InputError

from . import host

AUTO = "auto"
_SUFFIXES = (".safetensors", ".pth")


def model_names() -> list[str]:
    """What a user may choose: auto, the known models, and further files in the model folder."""
    from vqfr_core.weights.load import AUTO_ORDER

    return [AUTO, *AUTO_ORDER, *(path.name for path in _own_files())]


def resolve_model(name: str) -> str:
    """What a choice means now: a known model or the path of a file in the model folder.

    auto is the best model that is present. Raises InputError for everything that is not a choice, paths included.
    """
    from vqfr_core.weights.load import AUTO_ORDER

    if name == AUTO:
        return next(known for known in AUTO_ORDER if is_present(known))
    if name in AUTO_ORDER:
        return name
    for path in _own_files():
        if path.name == name:
            return str(path)
    raise InputError(f"model: {name!r} is not known; choose one of {', '.join(model_names())}")


def is_present(name: str) -> bool:
    """Whether a known weight file needs no download."""
    from vqfr_core.weights.catalog import get_record
    from vqfr_core.weights.folders import find_weights

    record = get_record(name)
    return (
        record.packaged_path is not None or find_weights(record, host.model_folder(), host.search_folders()) is not None
    )


def describe_models() -> list[dict[str, Any]]:
    """Every weight file by name, for programs: kind, whether it is present, licence. No folders."""
    from vqfr_core.weights.catalog import RECORDS

    known = [
        {"name": r.name, "kind": r.kind, "present": is_present(r.name), "licence": r.licence, "origin": r.origin}
        for r in RECORDS
    ]
    own = [
        {"name": path.name, "kind": "restorer", "present": True, "licence": "", "origin": "a file in the model folder"}
        for path in _own_files()
    ]
    return known + own


def _own_files() -> list[Path]:
    """Weight files in the model folder that are no known ones."""
    from vqfr_core.weights.catalog import RECORDS
    from vqfr_core.weights.folders import file_names

    folder, known = host.model_folder(), {name for record in RECORDS for name in file_names(record)}
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and path.name not in known)
