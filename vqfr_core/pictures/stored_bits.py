"""How many bits a channel has in a file, where Pillow hands on no more than 8."""

import re
from collections.abc import Callable

_PPM = re.compile(rb"P[2356](?:\s+(?:#[^\n]*\n\s*)*(\d{1,9})){3}")
_SIZE_MARKER, _FIRST_DEPTH = b"\xff\x51", 40
_HIGH_BITS, _TWELVE_BITS = 0x40, 0x20


def stored_bits(format: str | None, data: bytes) -> int:
    """The most bits of a channel; 8 for formats that have no more, and for data that do not say it.

    format: in Pillow's spelling. data: the file, or its beginning.
    """
    return _READERS[format](data) if format in _READERS else 8


def _of_png(data: bytes) -> int:
    return data[24] if len(data) > 24 else 8


def _of_ppm(data: bytes) -> int:
    """From the highest number, the last of three."""
    found = _PPM.match(data)
    return int(found[1]).bit_length() if found else 8


def _of_jpeg2000(data: bytes) -> int:
    """From the first component's entry in the segment SIZ (ISO/IEC 15444-1)."""
    at = data.find(_SIZE_MARKER) + _FIRST_DEPTH
    return (data[at] & 0x7F) + 1 if _FIRST_DEPTH <= at < len(data) else 8


def _of_avif(data: bytes) -> int:
    """From the decoder's settings, `av1C` (AV1 in ISO media files)."""
    flags = [data[found.end() + 2] for found in re.finditer(rb"av1C(?=.{3})", data, re.DOTALL)]
    return max((12 if flag & _TWELVE_BITS else 10 for flag in flags if flag & _HIGH_BITS), default=8)


_READERS: dict[str | None, Callable[[bytes], int]] = {
    "PNG": _of_png,
    "PPM": _of_ppm,
    "JPEG2000": _of_jpeg2000,
    "AVIF": _of_avif,
}
