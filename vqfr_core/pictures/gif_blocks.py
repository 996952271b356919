"""What a GIF consists of (GIF89a), and its XMP packet (XMP specification, part 3)."""

from collections.abc import Iterator

_SCREEN_BYTES = 13
_EXTENSION, _IMAGE, _APPLICATION = b"!", b",", 0xFF
NAME = b"XMP DataXMP"
END = b";"
_TRAILER = bytes([1, *range(255, -1, -1), 0])
"""Behind the packet, whose bytes are no blocks: wherever a reader of blocks comes to, it ends at the last zero."""


def applications_in(gif: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The name (11 bytes) and the content of each application extension."""
    for start, end in _blocks(gif):
        if gif[start : start + 2] == _EXTENSION + bytes([_APPLICATION]):
            yield gif[start + 3 : start + 14], gif[start + 14 : end]


def xmp_in(content: bytes) -> bytes:
    """The packet in the content of the extension called `XMP DataXMP`."""
    return content[: -len(_TRAILER)]


def end_with(xmp: bytes) -> bytes:
    """The end of a GIF with a packet, in place of the last byte of one without."""
    return _EXTENSION + bytes([_APPLICATION, len(NAME)]) + NAME + xmp + _TRAILER + END


def _blocks(gif: bytes) -> Iterator[tuple[int, int]]:
    """Where each image and extension begins and ends; up to where the file is damaged."""
    at = _SCREEN_BYTES + _table_bytes(gif[10:11])
    while at + 10 < len(gif) and gif[at : at + 1] in (_EXTENSION, _IMAGE):
        is_image = gif[at : at + 1] == _IMAGE
        end = _end_of_blocks(gif, at + 11 + _table_bytes(gif[at + 9 : at + 10]) if is_image else at + 2)
        yield at, end
        at = end


def _table_bytes(flags: bytes) -> int:
    """Of the colours that follow."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _end_of_blocks(gif: bytes, at: int) -> int:
    while at < len(gif) and gif[at]:
        at += 1 + gif[at]
    return at + 1
