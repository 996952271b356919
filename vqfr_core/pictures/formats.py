"""The file formats: a row each says what a format can hold. Nothing heavy is imported here."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Format:
    """What a file format can hold. Formats that are not `writable` are only read."""

    name: str
    """In Pillow's spelling."""
    suffixes: tuple[str, ...]
    """Its endings in lower case; those of one row are spellings of the same."""
    writable: bool = True
    offered: str = ""
    """The ending of results when the user asks for this format by name; empty: it is not offered."""
    depths: tuple[int, ...] = (8,)
    """Bits a channel, ascending; 32 is floating point."""
    gray: bool = False
    """One channel of brightness can be stored as such."""
    alpha: bool = False
    animation: bool = False
    pages: bool = False
    """Frames without durations, which may differ in size."""
    carries: frozenset[str] = frozenset()
    """Which of icc_profile, exif, dpi, text (any entries) and comment (only that one) go along with the pixels."""
    max_side_px: int = 2**31 - 1
    max_exif_bytes: int = 2**31 - 1


_WITH_PROFILE = frozenset({"icc_profile", "exif"})
_PNG = Format(
    "PNG",
    (".png",),
    offered=".png",
    depths=(8, 16),
    gray=True,
    alpha=True,
    animation=True,
    carries=_WITH_PROFILE | {"dpi", "text"},
)

FORMATS = (
    _PNG,
    replace(_PNG, suffixes=(".apng",), offered=""),
    Format(
        "JPEG",
        (".jpg", ".jpeg", ".jpe", ".jfif"),
        offered=".jpg",
        gray=True,
        carries=_WITH_PROFILE | {"dpi", "comment"},
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
        carries=_WITH_PROFILE | {"dpi"},
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
"""What to look for in a folder. Reading itself goes by a file's contents, not by its name."""

WRITABLE_SUFFIXES = tuple(suffix for format in FORMATS if format.writable for suffix in format.suffixes)
"""The endings that `write_picture` understands."""


def format_of(suffix: str) -> Format | None:
    """The format behind an ending, in upper or lower case; None when it is not known."""
    return next((format for format in FORMATS if suffix.lower() in format.suffixes), None)


def suffixes_of(formats: Iterable[Format]) -> str:
    """Their endings, for a message."""
    return ", ".join(suffix for format in formats for suffix in format.suffixes)
