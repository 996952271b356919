"""What the routes need of whoever serves them."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .models import Models

if TYPE_CHECKING:
    from ..options import RestoreOptions
    from ..pictures import Picture, PictureFile
    from ..restoration import Restoration
    from ..types import ImageFaces


OpenPicture = Callable[[Path, int], "PictureFile"]
"""Called with (file, most pixels in all its frames), and used as `open_picture`."""


def _open_here(path: Path, max_pixels: int) -> "PictureFile":
    from ..pictures import open_picture

    return open_picture(path, max_pixels)


@dataclass(frozen=True)
class Service:
    """The host of the routes. Its functions are called from several threads."""

    models: Models
    restore: "Callable[[Picture, str, RestoreOptions], Restoration]"
    """Restores the first frame with a model of `Models.names`. Takes its turn on the device by itself."""
    find: "Callable[[Picture, str, RestoreOptions], ImageFaces]"
    """The same, but only numbers and selects the faces."""
    how_to_get: str
    """What to do about a missing weight file."""
    open_picture: OpenPicture = _open_here
    """How callers' files are opened."""
    turn: Callable[[], AbstractContextManager[None]] = nullcontext
    """Held from reading a request's picture to writing its answer: bounds how many do so at once, and who waits."""
