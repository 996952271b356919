"""How numbers mean colours, as video has it (ITU-T H.273), and PNG in its chunk cICP."""

import struct

NOT_STATED = (2, 2)
_LIKE_SRGB = frozenset({1, 2, 6, 13})
"""Primaries and transfer functions that are sRGB's, close to them, or not stated."""
_NCLX = b"colrnclx"


def cicp_of(primaries: int, transfer: int) -> dict[bytes, bytes]:
    """The chunk of a PNG for RGB of full range, by its name; none for colours like sRGB."""
    return {} if {primaries, transfer} <= _LIKE_SRGB else {b"cICP": bytes([primaries & 255, transfer & 255, 0, 1])}


def color_codes_in(boxes: bytes) -> tuple[int, int]:
    """Primaries and transfer function that the boxes of an AVIF state first."""
    at = boxes.find(_NCLX) + len(_NCLX)
    return struct.unpack_from(">HH", boxes, at) if len(_NCLX) <= at <= len(boxes) - 4 else NOT_STATED
