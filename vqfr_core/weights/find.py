"""Find weight files in folders: by record, by name, and for menus."""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..networks.base import Source
from ..networks.registry import architectures
from .catalog import WeightRecord
from .folders import Folders, PathLike
from .glance import glance
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
    """The file of a path, or of a name in the folders, including sub-folders, with or without suffix; or None."""
    path, text = expanded(name), os.fspath(name)
    return path if _is_file(path) else find_file([text, *(text + suffix for suffix in SUFFIXES)], places)


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


def list_files(folders: Folders, known: Collection[str], role: str) -> list[tuple[str, Path]]:
    """The weight files for a menu: names relative to their folder, sorted, and paths. Known ones are left out.

    All those of the model folders but networks of another role; of other folders, without their sub-folders, those
    recognised as having the role.
    """
    found: dict[str, Path] = {}
    for place in (folders.model, *folders.listed):
        for path in _weight_files(place):
            if path.name not in known and _may_be(path, role):
                found.setdefault(str(path.relative_to(place)), path)
    for path in recognised_files(folders.of_others(), role):
        if path.name not in known:
            found.setdefault(path.name, path)
    return sorted(found.items())


def _may_be(path: Path, role: str) -> bool:
    row = glance(path)
    return row is None or row.build is None or row.role == role


def recognised_files(places: Iterable[Path], role: str) -> Iterator[Path]:
    """The files directly in these folders that hold a network of that role which can be built."""
    rows = architectures(role)
    for place in places:
        if place.is_dir():
            files = (path for path in sorted(place.iterdir()) if path.name.lower().endswith(SUFFIXES))
            yield from (path for path in files if path.is_file() and glance(path) in rows)


def find_latest(architecture: str, role: str, places: Iterable[Path]) -> Path | None:
    """The file of an architecture with the highest version in its name, the first folder first; or None."""
    found = [path for path in recognised_files(places, role) if (row := glance(path)) and row.name == architecture]
    return max(found, key=lambda path: _version(path.name), default=None)


def _version(name: str) -> list[tuple[int, str]]:
    """Sorts v1.10 after v1.4."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name.lower())]


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
