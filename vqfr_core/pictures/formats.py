"""The file formats: each row says what a format can hold, and what reads and writes it.

Importing this is cheap: readers and writers are imported when they are used.
"""

import re
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
    is_lossy: bool = False
    """Pixels that were not changed come back a little different."""
    max_side_px: int = 2**31 - 1
    max_exif_bytes: int = 2**31 - 1
    begins_with: bytes = b""
    """A regular expression of such a file's first bytes, for those that Pillow does not read."""
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
        is_lossy=True,
        max_side_px=65535,
        max_exif_bytes=65533 - len(b"Exif\0\0"),
    ),
    Format(
        "WEBP",
        (".webp",),
        offered=".webp",
        alpha=True,
        animation=True,
        carries=_WITH_PROFILE,
        is_lossy=True,
        max_side_px=16383,
    ),
    Format(
        "TIFF",
        (".tif", ".tiff"),
        offered=".tiff",
        depths=(8, 16, 32),
        gray=True,
        alpha=True,
        pages=True,
        carries=_WITH_PROFILE | {"iptc", "dpi"},
        begins_with=rb"II[*+]\0|MM\0[*+]",
        read=later(__package__, "tiff", "TiffFile"),
        write=later(__package__, "tiff_write", "write_tiff"),
    ),
    Format("GIF", (".gif",), alpha=True, animation=True, carries=frozenset({"comment", "xmp"}), max_side_px=65535),
    Format("BMP", (".bmp",), gray=True, carries=frozenset({"dpi"})),
    Format(
        "AVIF", (".avif", ".avifs"), alpha=True, animation=True, carries=_WITH_PROFILE, is_lossy=True, max_side_px=65536
    ),
    Format("PPM", (".ppm", ".pgm", ".pnm"), writable=False),
    Format("JPEG2000", (".jp2", ".j2k", ".j2c", ".jpx", ".jpf"), writable=False),
    Format("TGA", (".tga",), writable=False),
    Format(
        "HEIF",
        (".heic", ".heif", ".hif", ".heics"),
        writable=False,
        # Of AVIF, which also says mif1 or msf1, the list that follows has no HEVC.
        begins_with=rb"....ftyp(he[iv][cmsx]|m[is]f1.*he[iv][cmsx])",
        read=later(__package__, "heif", "HeifFile"),
    ),
    Format(
        "JPEG XL",
        (".jxl",),
        writable=False,
        begins_with=rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n",
        read=later(__package__, "jpeg_xl", "JpegXlFile"),
    ),
)
"""In the order in which messages name them."""

READABLE_SUFFIXES = (*(suffix for format in FORMATS for suffix in format.suffixes), ".mpo")
"""What to look for in a folder. Reading itself goes by a file's contents, not its name."""

_VIDEOS = (
    ".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".wmv", ".mpg", ".mpeg", ".3gp", ".mts", ".m2ts",
    ".m2v", ".flv", ".ogv", ".mj2",
)  # fmt: skip
_RAW = (
    ".dng", ".nef", ".nrw", ".cr2", ".cr3", ".arw", ".srf", ".sr2", ".orf", ".rw2", ".raf", ".pef", ".srw",
    ".x3f", ".raw", ".3fr", ".iiq", ".erf", ".rwl", ".kdc", ".mrw", ".mef",
)  # fmt: skip
_OTHERS = (
    ".psd", ".psb", ".psdt", ".xcf", ".kra", ".exr", ".hdr", ".dds", ".pcx", ".ico", ".jpm", ".jxr", ".wdp",
    ".qoi", ".bpg", ".flif", ".dpx", ".cin", ".dcm",
)  # fmt: skip
_DRAWINGS = (
    ".pdf", ".svg", ".eps", ".ps", ".ai", ".emf", ".wmf", ".ts", ".fits", ".ras", ".sgi", ".xpm",
    ".jpeg2000",
)  # fmt: skip
"""And what has those names but may be something else, too."""

OTHER_SUFFIXES = (*_RAW, *_VIDEOS, *_OTHERS)
"""Of pictures and films that cannot be read: in a folder they are reported, not passed over."""

WRITABLE_SUFFIXES = tuple(suffix for format in FORMATS if format.writable for suffix in format.suffixes)
"""The suffixes that `write_picture` supports."""


def cannot_be_written(suffix: str) -> bool:
    """Whether the suffix is known as that of a picture, film or drawing, but not supported by `write_picture`."""
    known = (*READABLE_SUFFIXES, *OTHER_SUFFIXES, *_DRAWINGS)
    return suffix.lower() in known and suffix.lower() not in WRITABLE_SUFFIXES


def refusal(path: Path, head: bytes = b"") -> str:
    """Why a file that nothing here recognises cannot be read, and what to do. head: its first bytes."""
    suffix = path.suffix.lower()
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return "reading AVIF needs Pillow 11.3 or newer; update it, or save the picture as PNG"
    if suffix in _VIDEOS:
        return "films cannot be read; save its frames as PNG first, for instance with ffmpeg"
    if suffix in _RAW:
        return "camera raw cannot be read; develop it first, into a TIFF or JPEG"
    return "not a picture, damaged, or of an unknown format; save it as PNG or JPEG"


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
    recognised = (f.read for f in FORMATS if f.begins_with and re.match(f.begins_with, head, re.DOTALL))
    return next(recognised, _read_by_pillow)


def stored_depth(format: Format, bit_depth: int) -> int:
    """Bits a channel in a file of the format, for a picture of that depth."""
    return max(depth for depth in format.depths if depth <= max(8, bit_depth))


def suffixes_of(formats: Iterable[Format]) -> str:
    """Their suffixes, for a message."""
    return ", ".join(suffix for format in formats for suffix in format.suffixes)
