"""What a file holds that a changed picture cannot keep, in words: `PictureInfo.losses`."""

from collections.abc import Iterable

from ..errors import printable, shortened
from .exif import DESCRIPTIVE_TAGS

GAIN_MAP = "its HDR gain map"
FURTHER = "its further pictures (MPO)"
DEPTH_MAP = "its depth map"
RESOURCES = "its Photoshop resources, such as paths"
BEHIND = "what it has behind the picture, such as a depth map or a film"
_CREDENTIALS = "its Content Credentials (C2PA), which sign the pixels as they were"
_MOST_NAMES = 10

_WORDS = {
    "caBX": _CREDENTIALS,  # PNG
    "C2PA": _CREDENTIALS,  # WebP
    "JP": _CREDENTIALS,  # JPEG: JUMBF boxes, of which these are the usual ones
    "jumb": _CREDENTIALS,  # JPEG XL
    "d8fec3d61b0e483c92975828877ec481": _CREDENTIALS,  # AVIF, HEIF
    "tag 52545": _CREDENTIALS,
    "http://ns.adobe.com/xmp/extension/": "its extended XMP",
    "MPF": FURTHER,
    "urn:iso:std:iso:ts:21496:-1": GAIN_MAP,
    "tag 34377": RESOURCES,
    "tag 37724": "its Photoshop layers",
    "tag 330": "its sub-images",
}
"""Of blocks by name, as `JPEG` and the others have them."""
JPEG = frozenset(
    ("JFIF", "JFXX", "Exif", "http://ns.adobe.com/xap/1.0/", "ICC_PROFILE", "Photoshop 3.0", "Adobe", "Ducky")
)
"""What a JPEG's segments begin with, if they are kept, read elsewhere, or speak of how it was compressed."""
PNG = frozenset(("IHDR", "PLTE", "tRNS", "IDAT", "IEND", "acTL", "fcTL", "fdAT", "eXIf", "tEXt", "zTXt", "iTXt"))
PNG |= {"iCCP", "gAMA", "cHRM", "cICP", "sRGB", "pHYs", "iDOT"}
WEBP = frozenset(("VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP", "EXIF", "XMP "))
GIF = frozenset(("NETSCAPE2.0", "ANIMEXTS1.0", "XMP DataXMP"))
TIFF = frozenset(
    f"tag {number}" for number in (*DESCRIPTIVE_TAGS, *range(32995, 32999), 33723, 34665, 34675, 34853, 59932)
)
"""Of its private tags."""
BOXES = frozenset(
    ("ftyp", "meta", "mdat", "moov", "free", "skip", "JXL ", "jxlc", "jxlp", "jxll", "jxli", "jbrd", "Exif", "xml ")
)
"""Of AVIF, HEIF and JPEG XL."""


def in_words(names: Iterable[str], kept: frozenset[str]) -> list[str]:
    """A file's blocks that are not among those kept, in words; those nobody knows together, by name."""
    left = [name for name in dict.fromkeys(names) if name not in kept]
    losses = list(dict.fromkeys(_WORDS[name] for name in left if name in _WORDS))
    others = [shortened(printable(name), 40) for name in left if name not in _WORDS]
    return losses + ([f"its data called {', '.join(others[:_MOST_NAMES])}"] if others else [])


def name_of_segment(data: bytes) -> str:
    """What a JPEG's APP segment begins with, up to the first zero."""
    return data[:2].decode("latin-1") if data.startswith(b"JP") else data[:64].partition(b"\0")[0].decode("latin-1")


def name_of(kind: bytes) -> str:
    """The name of a chunk, extension or box; a UUID has none."""
    return kind.hex() if len(kind) == 16 else kind.decode("latin-1")
