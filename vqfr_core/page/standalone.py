"""The surroundings of the page when it stands alone: this process, its own temporary files, one restorer in memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..restorer import FaceRestorer
from ..weights.catalog import RECORDS
from ..weights.find import locate_present
from ..weights.load import AUTO_ORDER
from .host import Folders, PageHost

_MISSING = " (downloads it first)"


@dataclass
class RestorerKeeper:
    """Opens restorers and keeps the last one."""

    model: str = "auto"
    """Offered first."""
    device: str | None = None
    folder: Path | None = None
    """Of the weights."""
    download: bool = True

    def __post_init__(self) -> None:
        self._opened: tuple[str, FaceRestorer] | None = None
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """The first model, then what is here, then what could be fetched."""
        restorers = [record for record in RECORDS if record.kind == "restorer"]
        here = [record.name for record in restorers if locate_present(record, self.folder)]
        others = [f"{name}{_MISSING}" for name in AUTO_ORDER if name not in here and self.download]
        return list(dict.fromkeys([Path(self.model).name, "auto", *here, *others]))

    def open(self, name: str | None = None) -> FaceRestorer:
        """The restorer of a choice, the first one when None; to be called while `job` is held.

        Raises InputError for what is no choice: names come from browsers, and none may open other files.
        """
        wanted = self.model if name in (None, Path(self.model).name) else self._checked(name or "")
        if self._opened is None or self._opened[0] != wanted:
            self._opened = None  # frees its memory first
            restorer = FaceRestorer(wanted, device=self.device, folder=self.folder, download=self.download)
            self._opened = wanted, restorer
        return self._opened[1]

    def _checked(self, name: str) -> str:
        if name not in self.names():
            raise InputError(f"{name!r} is none of the models here; choose one of {', '.join(self.names())}")
        return name.removesuffix(_MISSING)

    @contextmanager
    def job(self) -> Iterator[None]:
        """One piece of work at a time."""
        with self._lock:
            yield


def stand_alone(keeper: RestorerKeeper, temp_folder: Path, may_name_folders: bool) -> PageHost:
    """The page's host in a process of its own."""
    return PageHost(
        model_names=keeper.names,
        open_restorer=keeper.open,
        job=keeper.job,
        folders=Folders(may_name=may_name_folders),
        temp_folder=temp_folder,
    )
