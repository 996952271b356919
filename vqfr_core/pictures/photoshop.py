"""The resources of Photoshop (Photoshop file formats, 8BIM), among which are IPTC-IIM records: captions, credits."""

import struct
from collections.abc import Iterable

HEAD = b"Photoshop 3.0\0"
_IPTC = 0x0404
_OUTDATED = {0x03ED, 0x0409, 0x040C, 0x0425}
"""Resolution, thumbnails, and the hash of the records: a result has its own, or none."""


def join_segments(segments: Iterable[bytes]) -> bytes:
    """The resources in the data of a JPEG's APP13 segments, which continue each other."""
    return b"".join(segment.removeprefix(HEAD) for segment in segments if segment.startswith(HEAD))


def iptc_in(resources: bytes) -> bytes | None:
    """The IPTC records; None if there are none."""
    return _resources(resources).get(_IPTC) or None


def has_others(resources: bytes) -> bool:
    """Whether there is more than the records and what is outdated in a result."""
    return bool(set(_resources(resources)) - {_IPTC} - _OUTDATED)


def segment_with(iptc: bytes) -> bytes:
    """The data of an APP13 segment with these records."""
    resource = b"8BIM" + struct.pack(">H", _IPTC) + b"\0\0" + struct.pack(">I", len(iptc)) + iptc
    return HEAD + resource + bytes(len(iptc) % 2)


def _resources(data: bytes) -> dict[int, bytes]:
    """By number, the whole ones; those of one number are joined."""
    found: dict[int, bytes] = {}
    at = 0
    while data[at : at + 4] == b"8BIM" and at + 12 <= len(data):
        (number,) = struct.unpack_from(">H", data, at + 4)
        name_bytes = 1 + data[at + 6]
        start = at + 6 + name_bytes + name_bytes % 2 + 4
        size = int.from_bytes(data[start - 4 : start], "big")
        if start + size > len(data):
            break
        found[number] = found.get(number, b"") + data[start : start + size]
        at = start + size + size % 2
    return found
