"""Which network a weight file holds, from the names in it: quick enough for menus."""

from functools import lru_cache
from pathlib import Path

from ..errors import WeightsError
from ..networks.registry import Architecture, recognize
from .read import tensor_names


def glance(path: Path) -> Architecture | None:
    """The architecture of a file, without reading tensors; None if it is unknown, or the file cannot be read.

    Only a guess: loading looks closely.
    """
    try:
        status = path.stat()
        return recognize(_names(path, status.st_size, status.st_mtime_ns))
    except (WeightsError, OSError):
        return None


@lru_cache(maxsize=256)
def _names(path: Path, size: int, changed_ns: int) -> frozenset[str]:
    """Remembered until the file changes."""
    del size, changed_ns
    return frozenset(tensor_names(path))
