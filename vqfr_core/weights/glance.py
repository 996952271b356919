"""Which network a weight file holds, from the names in it: quick enough for menus."""

from functools import lru_cache
from pathlib import Path

from ..errors import WeightsError
from ..networks.registry import Architecture, recognize
from .file_kind import file_kind, named_strings


def glance(path: Path) -> Architecture | None:
    """The architecture of a file, without reading tensors; None if it is unknown, or the file cannot be read.

    Only a guess: a pickle is scanned for texts, not executed. Loading looks closely.
    """
    try:
        status = path.stat()
        return recognize(_names(path, status.st_size, status.st_mtime_ns))
    except (WeightsError, OSError):
        return None


@lru_cache(maxsize=64)
def _names(path: Path, size: int, changed_ns: int) -> frozenset[str]:
    """Remembered until the file changes."""
    del size, changed_ns
    names = _safetensors_names(path) if file_kind(path) == "safetensors" else named_strings(path)
    return frozenset(name.removeprefix("module.") for name in names)


def _safetensors_names(path: Path) -> list[str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return list(file.keys())
    except SafetensorError as error:
        raise WeightsError(f"{path}: {error}") from error
