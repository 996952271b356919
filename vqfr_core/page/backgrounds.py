"""The upscalers that the page offers for the background."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..options import RestoreOptions
from ..weights.folders import PathLike

if TYPE_CHECKING:
    from ..pipeline.enlarging.enlarger import Enlarger
    from ..pipeline.restoring.restore import Progress
    from ..restorer import FaceRestorer

NONE = "none"
"""The choice that leaves the background as it is."""
HELP = (
    "An upscaler or cleaner for the whole picture. The result has the size that Output scale says: at 1 the picture is "
    "cleaned."
)


@dataclass(frozen=True)
class Backgrounds:
    """Upscalers by name."""

    names: Callable[[], list[str]]
    """The choices besides NONE; looked up when the page is built and by its refresh button."""
    find: Callable[[str], PathLike]
    """The file of a choice. The name comes from a browser: refuse anything but the choices."""


def open_background(
    offered: Backgrounds | None,
    name: str,
    restorer: "FaceRestorer",
    options: RestoreOptions,
    progress: "Progress | None" = None,
) -> "Enlarger | None":
    """The background of a choice; None for NONE. progress: called with (tiles done, tiles in all)."""
    if offered is None or name == NONE:
        return None
    return restorer.enlarger(offered.find(name), options.precision, progress)
