"""Read picture files of all common formats, keeping depth, transparency, colour profile and EXIF."""

from pathlib import Path

from ..errors import InputError
from . import guard
from .formats import READABLE_SUFFIXES, reader_of
from .losses import tell_loss
from .picture import Picture
from .picture_file import PictureFile

__all__ = ["READABLE_SUFFIXES", "open_picture", "read_picture"]

_HEAD_BYTES = 32
_SALVAGEABLE = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")


def open_picture(path: str | Path, max_pixels: int | None = None, *, salvage: bool = False) -> PictureFile:
    """Open a picture file to read it frame by frame; use it as a context.

    The orientation of the EXIF block is applied and then set to normal. Palettes become RGB. CMYK becomes sRGB through
    the embedded profile, which is then left out. 16-bit grey and colour (PNG, TIFF) and floating point (TIFF, values in
    [0, 1]) keep their depth. GIF, APNG, WebP and AVIF give all their frames, a TIFF all its pages (thumbnails do not
    count); for other files with several pictures (MPO, HEIC) the main one is used.

    max_pixels: of all frames together; None: only each frame is limited, to 500 million. salvage: read what is left of
    a JPEG or PNG that is cut off, and say so; what is missing is black or grey.
    Raises InputError, naming the file, if it is missing, empty, damaged, of an unknown format, or too large.
    """
    path = Path(path)
    guard.check_file(path)
    with guard.reading(path):
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        limit = guard.MAX_PIXELS if max_pixels is None else max_pixels
        try:
            return reader_of(head)(path, head, limit, max_pixels)
        except (OSError, SyntaxError, InputError):
            if not salvage or not head.startswith(_SALVAGEABLE):
                raise
        from .pillow_file import SalvagedFile

        salvaged = SalvagedFile(path, head, limit, max_pixels)
    tell_loss(f"{path}: the file is cut off or damaged; what is missing of the picture is black or grey")
    return salvaged


def read_picture(path: str | Path, max_pixels: int | None = None) -> Picture:
    """Read the whole picture in a file, with all its frames; see `open_picture`.

    Raises InputError as `open_picture` does, and for more pixels in all frames together than `max_pixels`, 500 million
    by default.
    """
    with open_picture(path, guard.MAX_PIXELS if max_pixels is None else max_pixels) as file:
        return Picture(tuple(file.frames()), **vars(file.info))
