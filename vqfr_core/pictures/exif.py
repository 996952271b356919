"""EXIF blocks: remove the orientation, and carry their contents to and from TIFF files."""

import logging
import struct
from typing import Any, BinaryIO

from PIL import Image
from torch import Tensor

logger = logging.getLogger(__name__)

PREFIX = b"Exif\0\0"
_ORIENTATION = 0x0112
_EXIF_IFD = 0x8769
_GPS_IFD = 0x8825
_INTEROPERABILITY = 0xA005
# Tags about the picture, not about how the file stores it: description, make, model, software, date, artist, host
# computer, XMP and copyright (TIFF 6.0, EXIF 2.3).
_DESCRIPTIVE_TAGS = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x02BC, 0x8298)


def take_orientation(exif: bytes) -> tuple[int, bytes | None]:
    """The orientation of an EXIF block (1 to 8), and the block for the upright picture.

    The block begins with its TIFF header, with or without "Exif" before it; the result has none. It is the same byte
    for byte (maker notes hold file offsets), but its orientation is normal and the embedded thumbnail, which is
    outdated, is unlinked. A damaged block gives (1, None).
    """
    block = bytearray(exif[len(PREFIX) :] if exif.startswith(PREFIX) else exif)
    try:
        order = {b"II": "<", b"MM": ">"}[bytes(block[:2])]
        (start,) = struct.unpack_from(order + "I", block, 4)
        (num_entries,) = struct.unpack_from(order + "H", block, start)
        end = start + 2 + 12 * num_entries
        orientation = 1
        for entry in range(start + 2, end, 12):
            tag, kind, count = struct.unpack_from(order + "HHI", block, entry)
            if tag == _ORIENTATION and kind in (3, 4) and count == 1:
                letter = order + ("H" if kind == 3 else "I")
                (orientation,) = struct.unpack_from(letter, block, entry + 8)
                struct.pack_into(letter, block, entry + 8, 1)
        if len(block) >= end + 4:
            struct.pack_into(order + "I", block, end, 0)
    except (KeyError, struct.error):
        logger.warning("the EXIF block is damaged and was left out")
        return 1, None
    return (orientation if 1 <= orientation <= 8 else 1), bytes(block)


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


def descriptive_tags(file: BinaryIO) -> dict[int, Any]:
    """What an EXIF block or a TIFF file says about the picture, by tag number.

    file: positioned at the TIFF header. The camera's and the GPS tags are nested dicts under 0x8769 and 0x8825. How the
    file stores its pixels is left out, so that the result can be put into another file.
    """
    exif = Image.Exif()
    exif.load_from_fp(file)
    tags: dict[int, Any] = {tag: exif[tag] for tag in _DESCRIPTIVE_TAGS if tag in exif}
    for directory in (_EXIF_IFD, _GPS_IFD):
        entries = {tag: value for tag, value in exif.get_ifd(directory).items() if tag != _INTEROPERABILITY}
        if entries:
            tags[directory] = entries
    return tags


def exif_from_tags(tags: dict[int, Any]) -> bytes | None:
    """An EXIF block that begins with its TIFF header; None if there are no tags."""
    if not tags:
        return None
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    block = exif.tobytes()
    return block[len(PREFIX) :] if block.startswith(PREFIX) else block
