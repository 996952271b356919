"""IPTC-IIM records (captions, keywords, credits) inside a JPEG's Photoshop segment (Photoshop file formats, 8BIM)."""

import struct

_HEAD = b"Photoshop 3.0\0"
_IPTC = 0x0404


def iptc_of(segment: bytes) -> bytes | None:
    """The records in the data of an APP13 segment; None if there are none."""
    at = len(_HEAD)
    if not segment.startswith(_HEAD):
        return None
    while segment[at : at + 4] == b"8BIM" and at + 12 <= len(segment):
        (number,) = struct.unpack_from(">H", segment, at + 4)
        name_bytes = 1 + segment[at + 6]
        at += 6 + name_bytes + name_bytes % 2
        if at + 4 > len(segment):
            return None
        (size,) = struct.unpack_from(">I", segment, at)
        data = segment[at + 4 : at + 4 + size]
        if number == _IPTC:
            return data if data and len(data) == size else None
        at += 4 + size + size % 2
    return None


def segment_with(iptc: bytes) -> bytes:
    """The data of an APP13 segment with these records."""
    resource = b"8BIM" + struct.pack(">H", _IPTC) + b"\0\0" + struct.pack(">I", len(iptc)) + iptc
    return _HEAD + resource + bytes(len(iptc) % 2)
