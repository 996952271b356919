"""The file formats: each row says what a format can hold, and what reads and writes it.

Importing this is cheap: readers and writers are imported when they are used.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..later import later

if TYPE_CHECKING:
    from .picture import Frame, PictureInfo
    from .picture_file import PictureFile

Read = Callable[[Path, bytes, int, int | None], "PictureFile"]
"""Opens a file: path, first bytes, maximum pixels of a frame, maximum of all frames (None: no limit)."""
Write = Callable[[BinaryIO, "Iterator[Frame]", "PictureInfo", "Format", int, int], None]
"""Writes frames, pulled one at a time: file, frames, metadata, the format, number of frames, quality."""


_read_by_pillow: Read = later(__package__, "pillow_file", "PillowFile")
_write_by_pillow: Write = later(__package__, "pillow_write", "write_by_pillow")


@dataclass(frozen=True)
class Format:
    """What a file format can hold. Formats that are not `writable` are only read."""

    name: str
    """In Pillow's spelling."""
    suffixes: tuple[str, ...]
    """Its suffixes in lower case; those in a row are spellings of the same format."""
    writable: bool = True
    offered: str = ""
    """The suffix of results when the user asks for this format by name; empty if it is not offered."""
    depths: tuple[int, ...] = (8,)
    """Bits a channel, ascending; 32 is floating point."""
    gray: bool = False
    """One channel of brightness can be stored as such."""
    alpha: bool = False
    animation: bool = False
    pages: bool = False
    """Frames without durations, which may differ in size."""
    carries: frozenset[str] = frozenset()
    """Which of icc_profile, exif, xmp, iptc, color_chunks, dpi, text (any entries) and comment (only that one) it can
    hold."""
    max_side_px: int = 2**31 - 1
    max_exif_bytes: int = 2**31 - 1
    begins_with: tuple[bytes, ...] = ()
    """First bytes of such a file, for those that Pillow does not read."""
    read: Read = _read_by_pillow
    write: Write = _write_by_pillow


_WITH_PROFILE = frozenset({"icc_profile", "exif", "xmp"})
_PNG = Format(
    "PNG",
    (".png",),
    offered=".png",
    depths=(8, 16),
    gray=True,
    alpha=True,
    animation=True,
    carries=_WITH_PROFILE | {"color_chunks", "dpi", "text"},
    write=later(__package__, "png16", "write_png"),
)

FORMATS = (
    _PNG,
    replace(_PNG, suffixes=(".apng",), offered=""),
    Format(
        "JPEG",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        offered=".jpg",
        gray=True,
        carries=_WITH_PROFILE | {"iptc", "dpi", "comment"},
        max_side_px=65535,
        max_exif_bytes=65533 - len(b"Exif\0\0"),
    ),
    Format("WEBP", (".webp",), offered=".webp", alpha=True, animation=True, carries=_WITH_PROFILE, max_side_px=16383),
    Format(
        "TIFF",
        (".tif", ".tiff"),
        offered=".tiff",
        depths=(8, 16, 32),
        gray=True,
        alpha=True,
        pages=True,
        carries=_WITH_PROFILE | {"iptc", "dpi"},
        begins_with=(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
        read=later(__package__, "tiff", "TiffFile"),
        write=later(__package__, "tiff_write", "write_tiff"),
    ),
    Format("GIF", (".gif",), alpha=True, animation=True, carries=frozenset({"comment"}), max_side_px=65535),
    Format("BMP", (".bmp",), gray=True, carries=frozenset({"dpi"})),
    Format("AVIF", (".avif",), alpha=True, animation=True, carries=_WITH_PROFILE, max_side_px=65536),
    Format("PPM", (".ppm", ".pgm", ".pnm"), writable=False),
    Format("JPEG2000", (".jp2",), writable=False),
    Format("TGA", (".tga",), writable=False),
)
"""In the order in which messages name them."""

READABLE_SUFFIXES = tuple(suffix for format in FORMATS for suffix in format.suffixes)
"""What to look for in a folder. Reading itself goes by a file's contents, not its name."""

WRITABLE_SUFFIXES = tuple(suffix for format in FORMATS if format.writable for suffix in format.suffixes)
"""The suffixes that `write_picture` supports."""


def pillow_formats() -> list[str]:
    """What Pillow may open: the formats above, as far as this Pillow has them.

    It knows many more and goes by a file's contents, not its name; for PostScript it would start Ghostscript.
    """
    from PIL import Image

    Image.init()
    return [name for name in dict.fromkeys(format.name for format in FORMATS) if name in Image.OPEN]


def format_of(suffix: str) -> Format | None:
    """The format of a suffix, in upper or lower case; None if unknown."""
    return next((format for format in FORMATS if suffix.lower() in format.suffixes), None)


def format_named(name: str | None) -> Format | None:
    """The format of a name in Pillow's spelling; None if unknown."""
    return next((format for format in FORMATS if format.name == name), None)


def paged_suffix() -> str:
    """The suffix of a file that can hold many pages."""
    return next(format.suffixes[0] for format in FORMATS if format.pages and format.writable)


def reader_of(head: bytes) -> Read:
    """The reader for a file that begins with these bytes: Pillow, unless another one recognises it."""
    return next((f.read for f in FORMATS if f.begins_with and head.startswith(f.begins_with)), _read_by_pillow)


def stored_depth(format: Format, bit_depth: int) -> int:
    """Bits a channel in a file of the format, for a picture of that depth."""
    return max(depth for depth in format.depths if depth <= max(8, bit_depth))


def suffixes_of(formats: Iterable[Format]) -> str:
    """Their suffixes, for a message."""
    return ", ".join(suffix for format in formats for suffix in format.suffixes)
