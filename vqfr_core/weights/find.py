"""Find weight files in folders: by record, by name, and for menus."""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..networks.base import Source
from .catalog import WeightRecord
from .folders import Folders, PathLike
from .hashes import check_file

SUFFIXES = (".safetensors", ".pth")
"""Suffixes that menus treat as weights."""
ABSENT = "not in the folders"
"""The state of weights that were not found."""


@dataclass(frozen=True)
class WeightFile:
    """A weight file on this machine."""

    name: str
    """The record's name, or the file's own without suffix."""
    path: Path
    """Where it is."""
    sha256: str
    """Hash of the whole file in hex."""
    source: Source
    """Part of this package, found in a folder, or just downloaded."""


def find_file(names: Iterable[str], places: Iterable[Path]) -> Path | None:
    """The first of these names in the first folder that has one, or None."""
    wanted = list(names)
    paths = (place / name for place in places for name in wanted)
    return next((path for path in paths if _is_file(path)), None)


def find_record_file(record: WeightRecord, places: Iterable[Path]) -> Path | None:
    """A record's weights if no download is needed: in this package, else in the folders."""
    return record.packaged_path or find_file(record.file_names, places)


def find_named_file(name: PathLike, places: Iterable[Path]) -> Path | None:
    """The file of a path, or of a name in the folders, including sub-folders, or None."""
    path = expanded(name)
    return path if _is_file(path) else find_file([os.fspath(name)], places)


def expanded(name: PathLike) -> Path:
    """The path of a name; a ~ that stands for nobody's folder is kept."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def read_record_file(record: WeightRecord, path: Path, source: Source = "file") -> WeightFile:
    """A record's file after checking its hash. Raises WeightsError if it differs from the published one."""
    return WeightFile(
        record.name, path, check_file(path, record), "embedded" if path == record.packaged_path else source
    )


def file_state(path: Path | None) -> str:
    """Changes whenever the file does."""
    try:
        status = path.stat() if path is not None else None
    except OSError:
        status = None
    return ABSENT if status is None else f"{path} {status.st_size} {status.st_mtime_ns}"


def list_files(folders: Folders, known: Collection[str]) -> list[tuple[str, Path]]:
    """The weight files for a menu: names relative to their folder, sorted, and paths. Known ones are left out."""
    found: dict[str, Path] = {}
    for place in (folders.model, *folders.listed):
        for path in _weight_files(place):
            if path.name not in known:
                found.setdefault(str(path.relative_to(place)), path)
    return sorted(found.items())


def _weight_files(place: Path) -> Iterator[Path]:
    """The weight files of a folder and its sub-folders, following links."""
    seen = set()
    for folder, sub_folders, names in os.walk(place, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # a link to a parent folder
            sub_folders.clear()
            continue
        seen.add(real)
        yield from (Path(folder, name) for name in names if name.lower().endswith(SUFFIXES))
