"""The page's interface to its embedding host, complete.

A WebUI's tab is `build_page(PageHost(model_names=..., open_restorer=..., job=..., ...))`. All but the first two have
safe defaults.
"""

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, without_folders
from .backgrounds import Backgrounds
from .controls import FirstValue, default_of

if TYPE_CHECKING:
    from ..options import RestoreOptions
    from ..pictures import PictureFile
    from ..restorer import FaceRestorer

PageProgress = Callable[[str, int, int], None]
"""Called with (what is counted, e.g. "face" or "picture", number done, total)."""


DownloadProgress = Callable[[int, int | None], None]
"""Called with (bytes done, bytes in all if that is known)."""

OpenPicture = Callable[[Path, int, Callable[[], bool]], "PictureFile"]
"""Called with (file, most pixels in all its frames, whether to stop), and used as `open_picture`."""


def open_here(path: Path, max_pixels: int, should_stop: Callable[[], bool]) -> "PictureFile":
    """Open a picture file in this process, where nothing can end it."""
    from ..pictures import open_picture

    del should_stop
    return open_picture(path, max_pixels)


def _fetch_nothing(choice: str, progress: DownloadProgress) -> None:
    del choice, progress


def _no_model() -> str:
    return ""


def _ignore(what: str, done: int, total: int) -> None:
    del what, done, total


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Folders:
    """Which folders on the server the page's users may name."""

    may_name: bool = False
    """Users may type the path of a folder to read and of one to write. False: they upload files and download
    results."""
    output: Callable[[], Path] | None = None
    """The default folder for results; looked up when the work starts. None: the user must name one."""
    check: Callable[[Path, bool], None] | None = None
    """Called with (folder, whether it is for writing) before use; raises `InputError` to forbid it."""


@dataclass(frozen=True)
class SendTo:
    """A button below the result that sends it to another part of the host."""

    label: str
    """Its label, e.g. "Send to img2img"."""
    connect: Callable[[Any, Any], None]
    """Called once while the page is built, with (the gr.Button, the gr.Image that shows the whole result)."""


@dataclass(frozen=True)
class PageHost:
    """The host that embeds the page."""

    model_names: Callable[[], list[str]]
    """The model choices, the first one preselected; looked up when the page is built and by its refresh button."""
    open_restorer: Callable[[str], "FaceRestorer"]
    """The restorer for a choice. Called inside `job` before each piece of work, so cache what is loaded; it decides on
    device, memory and what precision "auto" means. The name comes from a browser: refuse anything but the choices. Any
    `VqfrError` it raises is shown on the page."""
    fetch: Callable[[str, DownloadProgress], None] = _fetch_nothing
    """Downloads the weights of a choice if they are missing. Called before Restore takes the `job`."""
    better_model: Callable[[], str] = _no_model
    """The model that a button offers to download; "" once it is here, or if downloads are not for the page."""
    job: Callable[[], AbstractContextManager[None]] = nullcontext
    """Wraps each piece of work: takes the host's queue lock, makes room before and frees memory after. Users' work
    comes from different threads, so a host that allows one at a time takes a lock here."""
    should_stop: Callable[[], bool] = _never
    """Checked between faces and between pictures, besides the page's own Stop button, e.g. for the host's interrupt."""
    progress: PageProgress = _ignore
    """Called in addition to the page's own bar."""
    folders: Folders = field(default_factory=Folders)
    """Which folders may be named."""
    send_to: tuple[SendTo, ...] = ()
    """More buttons below the result."""
    backgrounds: Backgrounds | None = None
    """Upscalers for the background. None: the host has its own way to enlarge pictures."""
    first_value: FirstValue = default_of
    """What each setting's control shows at first."""
    first_model: Callable[[], str] | None = None
    """What the model's menu shows at first, instead of its first choice."""
    id_prefix: str = "vqfr_page"
    """Prefix of every HTML id."""
    max_pixels: int = 100_000_000
    """Larger pictures are refused, and larger results."""
    open_picture: OpenPicture = open_here
    """How users' files are opened."""
    max_kept_bytes: int = 2 << 30
    """Memory for cached work on all users' pictures, so that a changed fidelity needs no network. The oldest go
    first."""
    temp_folder: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    """Results for download are written inside it, in a folder per user that is removed when the user leaves."""

    def check_result(self, num_pixels: int, options: "RestoreOptions") -> None:
        """Raise InputError if the result for a picture of that many pixels would be too large."""
        if num_pixels * options.scale**2 > self.max_pixels:
            raise InputError(
                f"the result would have more than {self.max_pixels / 10**6:g} million pixels; reduce the output scale"
            )

    def told(self, text: str) -> str:
        """A message for a user: without folders of the server, unless the user may name them."""
        return text if self.folders.may_name else without_folders(text)
