"""From a name or a path to a weight file on this machine."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import WeightsError
from .build import content_check
from .catalog import RECORDS, Kind, WeightRecord, find_record, get_record
from .fetch import ensure_weights
from .folders import PathLike, find_file, find_weights, model_folder, search_folders
from .hashes import check_file, sha256_of
from .transfer import Progress

Source = Literal["embedded", "file", "downloaded"]


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


def fetch_weights(name: str, folder: PathLike | None = None, *, progress: Progress | None = None) -> Path:
    """Download a known weight file into the model folder unless it is there; see `download.ensure_weights`."""
    record = get_record(name)
    return ensure_weights(record, folder, progress=progress, validate=content_check(record))


def locate_weights(
    name_or_path: PathLike,
    kind: Kind,
    folder: PathLike | None = None,
    search: Iterable[PathLike] = (),
    *,
    download: bool = True,
    progress: Progress | None = None,
) -> WeightFile:
    """The file for a known name, a path, or the name of a file in the folders.

    Raises:
        WeightsError: it is nowhere, or a known file differs from what was published.
        DownloadError: it could not be downloaded.
    """
    places = list(search)
    record = find_record(str(name_or_path), kind)
    if record is None:
        path = _named_file(name_or_path, kind, folder, places)
        return WeightFile(_name_of(path), path, sha256_of(path), "file")
    present = locate_present(record, folder, places)
    if present is not None:
        return present
    if not download or not record.urls:
        raise _nowhere(record, folder, places)
    path = fetch_weights(record.name, folder, progress=progress)
    return WeightFile(record.name, path, check_file(path, record), "downloaded")


def locate_present(
    record: WeightRecord, folder: PathLike | None = None, search: Iterable[PathLike] = ()
) -> WeightFile | None:
    """A record's weights if they need no download: in this package or in the folders. None if they do."""
    packaged = record.packaged_path
    if packaged is not None:
        return WeightFile(record.name, packaged, sha256_of(packaged), "embedded")
    path = find_weights(record, folder, search)
    return WeightFile(record.name, path, check_file(path, record), "file") if path is not None else None


def _named_file(name: PathLike, kind: Kind, folder: PathLike | None, search: list[PathLike]) -> Path:
    path = Path(name).expanduser()
    if path.is_file():
        return path
    found = find_file([os.fspath(name)], folder, search)
    if found is None:
        known = ", ".join(record.name for record in RECORDS if record.kind == kind)
        looked = ", ".join(map(str, search_folders(folder, search)))
        raise WeightsError(f"there is no file {path}, here or in {looked}; known {kind}s are {known}")
    return found


def _name_of(path: Path) -> str:
    return next((record.name for record in RECORDS if record.file_name == path.name), path.stem)


def _nowhere(record: WeightRecord, folder: PathLike | None, search: list[PathLike]) -> WeightsError:
    looked = ", ".join(map(str, search_folders(folder, search)))
    if not record.urls:
        return WeightsError(
            f"{record.name} ({record.file_name}) is part of this package, but not in this copy of it, "
            f"nor in {looked}; install the package again"
        )
    return WeightsError(f"{record.name} is not in {looked}. {record.by_hand(model_folder(folder))}")
