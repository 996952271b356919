"""The weight store, from a name to a ready-to-use network."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, overload

import torch

from ..errors import UnknownWeightsError, WeightsError, shortened
from ..networks import registry
from ..networks.base import Detector, Network, Parser, Restorer
from ..networks.devices import pick_device, pick_precision
from ..networks.upscalers import Upscaler
from .agreements import auto_precision
from .catalog import RECORDS, WeightRecord, find_record, get_record
from .check import content_check
from .fetch import ensure_weights
from .find import (
    WeightFile,
    expanded,
    file_state,
    find_file,
    find_latest,
    find_named_file,
    find_record_file,
    list_files,
    read_record_file,
)
from .folders import Folders, PathLike, default_folders
from .glance import glance
from .hashes import sha256_of
from .load import load_file
from .transfer import Progress

logger = logging.getLogger(__name__)

AUTO = "auto"
_HALVED = ("restorer", "upscaler")
"""Roles whose networks may work in half precision."""
State = Literal["auto", "packaged", "present", "downloadable", "absent"]


@dataclass(frozen=True)
class Choice:
    """A menu entry."""

    name: str
    """What `find` and `open` take."""
    state: State
    """Part of this package, in the folders, downloaded on demand, or to be installed manually."""
    path: Path | None
    """The file, if present now."""
    origin: str = ""
    """Who made it."""
    licence: str = ""
    """Licence of the weights, as far as it is stated."""
    size: int | None = None
    """Bytes of the published file, where known."""
    kind: str = ""
    """The network in a file, if it is one of which this package knows no published file."""

    @property
    def text(self) -> str:
        """As menus show it; `find` and `open` take it, too."""
        return f"{self.name} ({self.kind})" if self.kind else self.name


class WeightStore:
    """Weights by role and name. Stateless: folders are read on each call, and networks belong to the caller.

    A name is "auto", one of `names`, a path, or the name of a file in the folders, with or without suffix. The name of
    an architecture without a published file means the latest of its files in the folders. Former names are accepted.
    """

    def __init__(
        self,
        folders: Callable[[], Folders] | None = None,
        *,
        download: bool = True,
        records: tuple[WeightRecord, ...] = RECORDS,
    ) -> None:
        """folders: looked up on each call. download: missing known files may be downloaded when opened."""
        self.folders: Callable[[], Folders] = folders or default_folders
        self._download = download
        self._records = records

    def roles(self) -> list[str]:
        """The roles that have weights."""
        return list(dict.fromkeys(record.role for record in self._known()))

    def names(self, role: str | None = None) -> list[str]:
        """The known names in the order "auto" tries them: the catalog's, then architectures without a record.

        role: None means any.
        """
        return [record.name for record in self._known(role)]

    def packaged_name(self, role: str) -> str:
        """The first name of a role whose weights are part of this package."""
        return next(record.name for record in self._known(role) if record.packaged)

    def record(self, name: str) -> WeightRecord:
        """What is known of one of `names`. WeightsError for another one."""
        return get_record(name, records=self._known())

    def former_names(self, role: str) -> list[str]:
        """Names that are not in `names` any more and still accepted; `current_name` says what they mean now."""
        return [name for record in self._known(role) for name in record.former_names]

    def current_name(self, role: str, name: str) -> str:
        """The present name of a former one, which the log says; any other name as it is."""
        record = next((record for record in self._known(role) if name in record.former_names), None)
        if record is None:
            return name
        logger.warning("%s is now %s", name, record.name)
        return record.name

    def known(self, role: str) -> list[Choice]:
        """The known names and where their weights are; names without a published file only if a file has them."""
        places = self.folders().places()
        found = [(record, find_record_file(record, places)) for record in self._known(role)]
        return [self._choice(r, path) for r, path in found if path is not None or r in self._records]

    def choices(self, role: str) -> list[Choice]:
        """The menu entries: auto, the known names, then other weight files: all of the model folders, and of other
        folders those recognised.
        """
        return [Choice(AUTO, "auto", self.locate(role)), *self.known(role), *self.files(role)]

    def files(self, role: str) -> list[Choice]:
        """The part of `choices` without a known name."""
        folders, taken = self.folders(), {name for record in self._known() for name in record.file_names}
        others = folders.of_others()
        return [
            Choice(name, "present", path, _origin(path, others), kind=self._kind(path))
            for name, path in list_files(folders, taken, role)
        ]

    def auto_name(self, role: str) -> str | None:
        """The name "auto" currently means: the first known one present."""
        return next((choice.name for choice in self.known(role) if choice.path is not None), None)

    def present_files(self) -> list[Path]:
        """Every known file present, including those in the folders that this package also bundles."""
        places = self.folders().places()
        found = [p for r in self._known() for p in (r.packaged_path, find_file(r.file_names, places)) if p is not None]
        return list(dict.fromkeys(found))

    def locate(self, role: str | None, name: PathLike = AUTO) -> Path | None:
        """Where the weights are now, without checking them; None if nowhere. role: None means any."""
        return self._look(role, name)[1]

    def state(self, role: str, name: PathLike = AUTO) -> str:
        """Changes whenever the weights behind a name do: another file found for it, or the file replaced."""
        return file_state(self.locate(role, name))

    def find_present(self, role: str, name: PathLike = AUTO) -> WeightFile | None:
        """The file of a name if no download is needed, else None.

        Raises WeightsError if a known file differs from the published one, or cannot be read.
        """
        record, path = self._look(role, name)
        if path is None:
            return None
        if record is not None:
            return read_record_file(record, path)
        published = next((r.name for r in self._records if path.name in r.published_names), path.stem)
        return WeightFile(published, path, sha256_of(path), "file")

    def find(self, role: str, name: PathLike = AUTO, progress: Progress | None = None) -> WeightFile:
        """The file of a name; a missing known one is downloaded, if allowed.

        Raises:
            UnknownWeightsError: there is no such file or known name.
            WeightsError: the file of a known name is nowhere, or differs from the published one.
            DownloadError: it could not be downloaded.
        """
        name = self.current_name(role, os.fspath(name))
        found = self.find_present(role, name)
        if found is not None:
            return found
        record = find_record(str(name), role, self._records)
        if record is None or not self._can_fetch(record):
            raise self._nowhere(role, name)
        return read_record_file(record, self.fetch(record.name, progress), "downloaded")

    def require(self, role: str, name: PathLike = AUTO) -> None:
        """Raise what `find` would, if the weights are neither present nor to be had; read and download nothing."""
        name = self.current_name(role, os.fspath(name))
        record = find_record(str(name), role, self._records)
        if self.locate(role, name) is None and not self._can_fetch(record):
            raise self._nowhere(role, name)

    def advice(self, role: str) -> str:
        """How to get weights of a role, for the end of a message."""
        files = " or ".join(record.file_name for record in self._known(role))
        return f"put {files} into {self.folders().model}"

    def fetch(self, name: str, progress: Progress | None = None) -> Path:
        """Download a known weight file into the model folder if missing. Raises what `find` does."""
        record = get_record(name, records=self._records)
        return ensure_weights(record, self.folders().model, progress=progress, validate=content_check(record))

    @overload
    def open(
        self,
        role: Literal["restorer"],
        name: PathLike = AUTO,
        device: str | torch.device | None = None,
        precision: str = "auto",
        progress: Progress | None = None,
        *,
        for_device: torch.device | None = None,
    ) -> Restorer: ...
    @overload
    def open(
        self,
        role: Literal["upscaler"],
        name: PathLike = AUTO,
        device: str | torch.device | None = None,
        precision: str = "auto",
        progress: Progress | None = None,
        *,
        for_device: torch.device | None = None,
    ) -> Upscaler: ...
    @overload
    def open(
        self,
        role: Literal["detector"],
        name: PathLike = AUTO,
        device: str | torch.device | None = None,
        precision: str = "auto",
        progress: Progress | None = None,
        *,
        for_device: torch.device | None = None,
    ) -> Detector: ...
    @overload
    def open(
        self,
        role: Literal["parser"],
        name: PathLike = AUTO,
        device: str | torch.device | None = None,
        precision: str = "auto",
        progress: Progress | None = None,
        *,
        for_device: torch.device | None = None,
    ) -> Parser: ...
    @overload
    def open(
        self,
        role: str,
        name: PathLike = AUTO,
        device: str | torch.device | None = None,
        precision: str = "auto",
        progress: Progress | None = None,
        *,
        for_device: torch.device | None = None,
    ) -> Network: ...
    def open(
        self,
        role: str,
        name: PathLike = AUTO,
        device: str | torch.device | None = None,
        precision: str = "auto",
        progress: Progress | None = None,
        *,
        for_device: torch.device | None = None,
    ) -> Network:
        """The network of a name, in eval mode, without gradients.

        Args:
            role: restorer, upscaler, detector, parser, or another of the registry.
            name: see the class.
            device: None picks the best one.
            precision: auto, fp32, bf16 or fp16; detectors and parsers are always fp32. With auto, a restorer compares
                its first face with float32, see `AutoPrecision`; an upscaler is fp32.
            progress: called with (bytes done, total bytes or None) during a download.
            for_device: where the network will be used, if the caller moves it later; determines allowed precisions.

        Raises:
            InputError: a device or precision that cannot be used.
            WeightsError, DownloadError: see `find`; or the file is damaged, unsafe, or another model.
        """
        placed = pick_device(device)
        used_on = for_device or placed
        chosen = pick_precision(precision, used_on) if role in _HALVED else "fp32"
        file = self.find(role, name, progress)
        if role == "restorer" and precision == "auto":
            return load_file(file, role, placed, auto_precision(file, used_on, self.folders().model), for_device)
        return load_file(file, role, placed, chosen, for_device)

    def _can_fetch(self, record: WeightRecord | None) -> bool:
        return record is not None and bool(record.urls) and self._download

    def _known(self, role: str | None = None) -> list[WeightRecord]:
        recorded = {record.name for record in self._records}
        others = [row for row in registry.architectures(role) if row.name not in recorded]
        return [r for r in self._records if role in (None, r.role)] + [_unpublished(row) for row in others]

    def _look(self, role: str | None, name: PathLike) -> tuple[WeightRecord | None, Path | None]:
        """The record of a name, if it has one, and where its weights are."""
        folders, name = self.folders(), _without_kind(name, role)
        places = folders.places()
        wanted = [record for record in self._known(role) if str(name) == AUTO or record.is_called(str(name))]
        found = ((record, find_record_file(record, places)) for record in wanted)
        present = next(((record, path) for record, path in found if path is not None), None)
        if present is not None or str(name) == AUTO:
            return present or (None, None)
        if not wanted:
            return None, find_named_file(name, places)
        (record,) = wanted
        looked_into = [folders.model, *folders.listed, *folders.of_others()]
        return None, None if record in self._records else find_latest(record.name, record.role, looked_into)

    def _kind(self, path: Path) -> str:
        """The label of a file's architecture, unless the catalog has it: then a name says enough."""
        row = glance(path)
        return row.label if row is not None and row.build is not None and not self._is_published(row) else ""

    def _is_published(self, row: registry.Architecture) -> bool:
        return any(record.name == row.name for record in self._records)

    def _choice(self, record: WeightRecord, path: Path | None) -> Choice:
        if path is None:
            state: State = "downloadable" if self._can_fetch(record) else "absent"
        else:
            state = "packaged" if path == record.packaged_path else "present"
        return Choice(record.name, state, path, record.origin, record.licence, record.size)

    def _nowhere(self, role: str, name: PathLike) -> WeightsError:
        folders = self.folders()
        looked = ", ".join(map(str, folders.places()))
        record = find_record(str(name), None, self._known(role))
        if str(name) == AUTO:
            fetched = next((r for r in self._known(role) if r.urls), None)
            advice = f"Ask for {fetched.name} to download it. {fetched.by_hand(folders.model)}" if fetched else ""
            return WeightsError(f"there are no {role} weights in {looked}, nor in this package. {advice}".rstrip())
        if record is None:
            is_recorded = any(record.role == role for record in self._records)
            known = self.names(role) if is_recorded else [choice.name for choice in self.files(role)]
            return UnknownWeightsError(
                f"there is no file {shortened(expanded(name))}, here or in {looked}; "
                f"known {role}s are {', '.join(known) or 'none'}"
            )
        if record.packaged and not record.urls:
            return WeightsError(
                f"{record.name} ({record.file_name}) is part of this package, but not in this copy of it, "
                f"nor in {looked}; install the package again"
            )
        if record not in self._records:
            return WeightsError(
                f"{record.name} is not in {looked}. Put your file of this network into {folders.model}, under any "
                f"name, or give its path; its licence: {record.licence}"
            )
        return WeightsError(f"{record.name} is not in {looked}. {record.by_hand(folders.model)}")


def _origin(path: Path, others: list[Path]) -> str:
    """Without the path, which the host's visitors need not know."""
    return f"a file in the folder {path.parent.name}" if path.parent in others else "a file in the model folder"


def _without_kind(name: PathLike, role: str | None) -> PathLike:
    """The name in a menu's text, see `Choice.text`."""
    labels = [row.label for row in registry.architectures(role)]
    label = next((label for label in labels if str(name).endswith(f" ({label})")), None)
    return name if label is None else str(name).removesuffix(f" ({label})")


def _unpublished(row: registry.Architecture) -> WeightRecord:
    """A record for an architecture without a published file: its weights have its name."""
    return WeightRecord(
        row.name, row.role, f"{row.name}.pth", (), licence=row.licence or "its author's", origin="no published file"
    )
