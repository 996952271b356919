"""What the page needs from whoever shows it, and nothing else: the whole border between the two.

A WebUI's tab is `build_page(PageHost(model_names=..., open_restorer=..., job=..., ...))`. All but the first two have a
value that does no harm.
"""

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..restorer import FaceRestorer

PageProgress = Callable[[str, int, int], None]
"""Called with (what is counted, e.g. "face" or "picture", how many are done, how many in all)."""


def _ignore(what: str, done: int, total: int) -> None:
    del what, done, total


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Folders:
    """Which folders of the machine that runs the page its users may name."""

    may_name: bool = False
    """Users may type the path of a folder to read and of one to write. False: they send files and fetch results."""
    output: Callable[[], Path] | None = None
    """The folder that results go to unless another is named; asked when the work starts. None: one has to be named."""
    check: Callable[[Path, bool], None] | None = None
    """Called with (folder, whether it is written to) before it is used; raises `InputError` to forbid it."""


@dataclass(frozen=True)
class SendTo:
    """A button below the result that hands it to another part of the host."""

    label: str
    """What is written on it, e.g. "Send to img2img"."""
    connect: Callable[[Any, Any], None]
    """Called once while the page is built with (the gr.Button, the gr.Image that shows the whole result)."""


@dataclass(frozen=True)
class PageHost:
    """The surroundings of the page."""

    model_names: Callable[[], list[str]]
    """The choices of the model, the first one preselected; asked when the page is built and on its refresh button."""
    open_restorer: Callable[[str], "FaceRestorer"]
    """The restorer of a choice. Called inside `job` before each piece of work, so keep what is loaded; device, memory
    and what precision "auto" means are decided here. The name comes from a browser: refuse what is none of the choices.
    What it raises as a `VqfrError` is shown in the page."""
    job: Callable[[], AbstractContextManager[None]] = nullcontext
    """Wraps each piece of work: the host's queue lock, making room before and giving memory back afterwards. Two users'
    pieces come from two threads, so a host that allows one at a time takes a lock here."""
    should_stop: Callable[[], bool] = _never
    """Asked between faces and between pictures besides the page's own Stop button, e.g. the host's interrupt."""
    progress: PageProgress = _ignore
    """Told besides the page's own bar."""
    folders: Folders = field(default_factory=Folders)
    """Which folders may be named."""
    send_to: tuple[SendTo, ...] = ()
    """More buttons below the result."""
    id_prefix: str = "vqfr_page"
    """Begins the HTML id of every component that has one."""
    max_pixels: int = 100_000_000
    """Larger pictures are refused."""
    max_kept_bytes: int = 2 << 30
    """Memory for what is kept of all users' pictures, so that a changed fidelity needs no network. The page drops the
    oldest first."""
    temp_folder: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    """Results to be downloaded are written below it, one folder for each user, removed when the user is gone."""
