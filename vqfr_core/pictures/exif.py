"""EXIF blocks: remove the orientation, and carry their contents to and from TIFF files."""

import io
import struct
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image
from torch import Tensor

from .losses import tell_loss

PREFIX = b"Exif\0\0"
_ORIENTATION = 0x0112
_EXIF_IFD = 0x8769
_GPS_IFD = 0x8825
_INTEROPERABILITY = 0xA005
_PIXEL_WIDTH, _PIXEL_HEIGHT = 0xA002, 0xA003
DESCRIPTIVE_TAGS = (269, 270, 271, 272, 285, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096))
"""Tags about the picture, not about how the file stores it: names of document and page, description, make, model,
software, date, artist, host computer and copyright (TIFF 6.0, EXIF 2.3); rating, title, comment, author, keywords and
subject (Windows)."""


def take_orientation(exif: bytes) -> tuple[int | None, bytes | None]:
    """The orientation of an EXIF block (1 to 8, or None), and the block for the upright picture.

    The block begins with its TIFF header, with or without "Exif" before it; the result has none. It is the same byte
    for byte (maker notes hold file offsets), but its orientation is normal and the embedded thumbnail, which is
    outdated, is unlinked. A damaged block gives None in its place, but an orientation before the damage counts.
    """
    block = bytearray(exif[len(PREFIX) :] if exif.startswith(PREFIX) else exif)
    orientation = None
    try:
        order, start, end = _first_directory(block)
        for entry in range(start + 2, end, 12):
            tag, kind, count = struct.unpack_from(order + "HHI", block, entry)
            if tag == _ORIENTATION and kind in (3, 4) and count == 1:
                letter = order + ("H" if kind == 3 else "I")
                (stated,) = struct.unpack_from(letter, block, entry + 8)
                orientation = stated if 1 <= stated <= 8 else 1
                struct.pack_into(letter, block, entry + 8, 1)
        if len(block) < end:
            raise struct.error("the directory is cut off")
        if len(block) >= end + 4:
            struct.pack_into(order + "I", block, end, 0)
    except (KeyError, struct.error):
        tell_loss("the EXIF block is damaged and was left out")
        return orientation, None
    return orientation, bytes(block)


def resize(exif: bytes, width: int, height: int) -> bytes:
    """The block of a picture of this size in pixels: the camera's statement of it is corrected, if there is one."""
    block = bytearray(exif)
    try:
        order, start, end = _first_directory(block)
        for entry in range(start + 2, end, 12):
            tag, _, count, camera = struct.unpack_from(order + "HHII", block, entry)
            if tag == _EXIF_IFD and count == 1:
                (num_entries,) = struct.unpack_from(order + "H", block, camera)
                for inner in range(camera + 2, camera + 2 + 12 * num_entries, 12):
                    _set_size(block, order, inner, width, height)
    except (KeyError, struct.error):
        return exif
    return bytes(block)


def _first_directory(block: bytearray) -> tuple[str, int, int]:
    """Byte order for `struct`, where the number of entries is, and where they end. Raises KeyError, struct.error."""
    order = {b"II": "<", b"MM": ">"}[bytes(block[:2])]
    (start,) = struct.unpack_from(order + "I", block, 4)
    (num_entries,) = struct.unpack_from(order + "H", block, start)
    return order, start, start + 2 + 12 * num_entries


def _set_size(block: bytearray, order: str, entry: int, width: int, height: int) -> None:
    tag, kind, count = struct.unpack_from(order + "HHI", block, entry)
    if tag in (_PIXEL_WIDTH, _PIXEL_HEIGHT) and count == 1 and kind in (3, 4):
        value = width if tag == _PIXEL_WIDTH else height
        if kind == 3 and value > 65535:
            struct.pack_into(order + "H", block, entry + 2, 4)  # a longer number, which fits into the entry
            kind = 4
        struct.pack_into(
            order + ("HH" if kind == 3 else "I"), block, entry + 8, *((value, 0) if kind == 3 else (value,))
        )


def orient(image: Tensor, orientation: int) -> Tensor:
    """The image turned upright. image: (C, H, W). orientation: 1 to 8 as EXIF numbers them."""
    turned = {
        1: lambda: image,
        2: lambda: image.flip(-1),
        3: lambda: image.flip(-1, -2),
        4: lambda: image.flip(-2),
        5: lambda: image.transpose(-1, -2),
        6: lambda: image.rot90(-1, (-2, -1)),
        7: lambda: image.flip(-1, -2).transpose(-1, -2),
        8: lambda: image.rot90(1, (-2, -1)),
    }[orientation]()
    return turned.contiguous()


def tags_of(exif: bytes) -> dict[int, Any]:
    """The `descriptive_tags` of an EXIF block that begins with its TIFF header."""
    read = Image.Exif()
    read.load_from_fp(io.BytesIO(exif))
    return descriptive_tags(read, read.get_ifd)


def descriptive_tags(tags: Mapping[int, Any], directory: Callable[[int], Mapping[int, Any]]) -> dict[int, Any]:
    """What an EXIF block or a TIFF page says about the picture, by tag number.

    directory: gives the tags of the directory that a tag points to. Those of the camera and of GPS are nested dicts
    under 0x8769 and 0x8825. How the file stores its pixels is left out, so that the result can be put into another
    file.
    """
    found = {number: tags[number] for number in DESCRIPTIVE_TAGS if number in tags and _is_sound(tags, number)}
    for number in (_EXIF_IFD, _GPS_IFD):
        inner = directory(number) if number in tags else {}
        entries = {tag: inner[tag] for tag in inner if tag != _INTEROPERABILITY and _is_sound(inner, tag, number)}
        if entries:
            found[number] = entries
    return found


def _is_sound(tags: Mapping[int, Any], number: int, directory: int | None = None) -> bool:
    """Whether a tag can be read and written; if not, its loss is told. directory: the tag that points to its own."""
    try:
        alone = {number: tags[number]}
        exif_from_tags(alone if directory is None else {directory: alone})
    except Exception:  # Pillow raises anything for a value of another type than the tag has
        tell_loss(f"the EXIF tag {number} is damaged and was left out")
        return False
    return True


def exif_from_tags(tags: dict[int, Any]) -> bytes | None:
    """An EXIF block that begins with its TIFF header; None if there are no tags."""
    if not tags:
        return None
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    block = exif.tobytes()
    return block[len(PREFIX) :] if block.startswith(PREFIX) else block
