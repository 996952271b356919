"""The boxes of ISO base media files (ISO/IEC 14496-12), such as AVIF, HEIF and JPEG XL."""

_MOST_BOXES = 10_000


def boxes_of(data: bytes) -> dict[bytes, bytes]:
    """The outermost boxes by kind, of each kind the first; a `uuid` box by its UUID."""
    boxes: dict[bytes, bytes] = {}
    at = 0
    for _ in range(_MOST_BOXES):
        if at + 8 > len(data):
            break
        length, kind, start = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + 8
        if length == 1:
            length, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        end = at + length if length else len(data)
        boxes.setdefault(data[start : start + 16] if kind == b"uuid" else kind, data[start:end])
        at = max(end, start)
    return boxes
