"""Reading picture files of every usual kind, without losing depth, transparency, colour profile or EXIF."""

from pathlib import Path

from . import guard
from .formats import READABLE_SUFFIXES, reader_of
from .picture import Picture
from .picture_file import PictureFile

__all__ = ["READABLE_SUFFIXES", "open_picture", "read_picture"]

_HEAD_BYTES = 32


def open_picture(path: str | Path, max_pixels: int | None = None) -> PictureFile:
    """A picture file, open to be read frame by frame; use it as a context.

    The orientation of the EXIF block is applied and then set to normal. Palettes become RGB. CMYK becomes sRGB through
    the embedded profile, which is then left out. 16-bit gray and colour (PNG, TIFF) and floating point (TIFF, values in
    [0, 1]) keep their depth. GIF, APNG, WebP and AVIF give all their frames, a TIFF all its pages (thumbnails do not
    count); of a file with several pictures of other kinds (MPO) the first is used.

    max_pixels: of all frames together; None: there is only a limit for each, of 500 million.
    Raises InputError, naming the file, when it is missing, empty, damaged, of no known format, or too large.
    """
    path = Path(path)
    guard.check_file(path)
    with guard.reading(path):
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        return reader_of(head)(path, head, guard.MAX_PIXELS if max_pixels is None else max_pixels, max_pixels)


def read_picture(path: str | Path, max_pixels: int | None = None) -> Picture:
    """The whole picture in a file, with all its frames; see `open_picture`.

    Raises InputError as `open_picture` does, and for more pixels in all frames together than `max_pixels`, which is 500
    million when not given.
    """
    with open_picture(path, guard.MAX_PIXELS if max_pixels is None else max_pixels) as file:
        return Picture(tuple(file.frames()), **vars(file.info))
