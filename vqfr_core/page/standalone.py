"""The host of the standalone page: this process, its own temporary files, one restorer in memory."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputError
from ..restorer import FaceRestorer
from ..weights.folders import PathLike
from ..weights.store import AUTO, WeightStore
from .backgrounds import Backgrounds
from .gradio_compat import upload_folder
from .host import DownloadProgress, Folders, OpenPicture, PageHost, open_here

_MISSING = " (downloads it first)"


@dataclass
class RestorerKeeper:
    """Opens restorers and keeps the latest one."""

    model: str = AUTO
    """A name or a file; offered first."""
    device: str | None = None
    store: WeightStore = field(default_factory=WeightStore)
    """Where weights come from."""

    def __post_init__(self) -> None:
        self.model = self.store.current_name("restorer", self.model)
        self._opened: tuple[PathLike, FaceRestorer] | None = None
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """The first model, then those present, then those that can be downloaded."""
        return list(self._offers())

    def open(self, name: str | None = None) -> FaceRestorer:
        """The restorer for a choice, the first one if None; call it while `job` is held.

        Raises InputError for anything but the choices: names come from browsers and must not open other files.
        """
        wanted = self.model if name is None else self._wanted(name)
        if self._opened is None or self._opened[0] != wanted:
            self._opened = None  # frees its memory first
            self._opened = wanted, FaceRestorer(wanted, device=self.device, store=self.store)
        return self._opened[1]

    def fetch(self, name: str, progress: DownloadProgress) -> None:
        """Download the weights of a choice if they are missing."""
        wanted = self._wanted(name)
        if self.store.locate("restorer", wanted) is None:
            self.store.fetch(str(wanted), progress)

    def better_model(self) -> str:
        """The best published model, if it is not here and can be downloaded; else ""."""
        best = self.store.known("restorer")[0]
        return best.name if best.state == "downloadable" else ""

    def _wanted(self, name: str) -> PathLike:
        """What a choice opens, whether or not it was here when the menu was made. InputError for anything else."""
        offers = self._offers()
        plain = self.store.current_name("restorer", name.removesuffix(_MISSING))
        for known in (name, plain, f"{plain}{_MISSING}"):
            if known in offers:
                return offers[known]
        raise InputError(f"{name!r} is not one of the models here; choose one of {', '.join(offers)}")

    def background_names(self) -> list[str]:
        """The upscalers present."""
        return list(self._upscalers())

    def find_background(self, name: str) -> PathLike:
        """The file of one of `background_names`. InputError for any other name."""
        offers = self._upscalers()
        if name not in offers:
            raise InputError(f"{name!r} is not one of the upscalers here; choose none or one of {', '.join(offers)}")
        return offers[name]

    @contextmanager
    def job(self) -> Iterator[None]:
        """One piece of work at a time."""
        with self._lock:
            yield

    def _upscalers(self) -> dict[str, PathLike]:
        found = [*self.store.known("upscaler"), *self.store.files("upscaler")]
        return {choice.text: choice.path for choice in found if choice.path is not None}

    def _offers(self) -> dict[str, PathLike]:
        """The texts shown, in order, and what they open."""
        choices, named = self.store.choices("restorer"), {AUTO, *self.store.names("restorer")}
        first: dict[str, PathLike] = {Path(self.model).name: self.model}
        here = {c.text: c.name if c.name in named else c.path or c.name for c in choices if c.path is not None}
        missing = {f"{c.name}{_MISSING}": c.name for c in choices if c.state == "downloadable"}
        return {**first, AUTO: AUTO, **here, **missing, **first}


def stand_alone(
    keeper: RestorerKeeper, temp_folder: Path, may_name_folders: bool, open_picture: OpenPicture = open_here
) -> PageHost:
    """The page's host in its own process."""
    return PageHost(
        model_names=keeper.names,
        open_restorer=keeper.open,
        fetch=keeper.fetch,
        better_model=keeper.better_model,
        job=keeper.job,
        folders=Folders(may_name=may_name_folders, check=_refuser(temp_folder, upload_folder())),
        backgrounds=Backgrounds(keeper.background_names, keeper.find_background),
        temp_folder=temp_folder,
        open_picture=open_picture,
    )


def _refuser(*served: Path) -> Callable[[Path, bool], None]:
    """For `Folders.check`: visitors' files are in the served folders, and are given to whoever was told of them."""

    def check(folder: Path, is_for_writing: bool) -> None:
        real = folder.resolve()
        if any(real.is_relative_to(own.resolve()) for own in served):
            use = "write to" if is_for_writing else "read"
            raise InputError(f"{folder}: the page keeps its visitors' files there; name another folder to {use}")

    return check
