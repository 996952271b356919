"""The directories of a TIFF file (TIFF 6.0, BigTIFF), one per page. Pillow reads and writes them."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ..errors import InputError

SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 273, 274, 277, 278, 279
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, PAGE_NUMBER, PREDICTOR = 282, 283, 296, 297, 317
PLANAR_CONFIGURATION, SUB_DIRECTORIES, XMP, IPTC, PHOTOSHOP, DNG_VERSION = 284, 330, 700, 33723, 34377, 50706
EXTRA_SAMPLES, SAMPLE_FORMAT, ICC_PROFILE = 338, 339, 34675
INVERTED_GRAY, GRAY, RGB, CMYK, YCBCR = 0, 1, 2, 5, 6
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
PREMULTIPLIED, PLAIN_ALPHA = 1, 2
SEPARATE_PLANES = 2
REDUCED_IMAGE, ONE_PAGE = 1, 2
BIG = 43
_SENSOR_KINDS = (32803, 34892)
"""Photometric interpretations of camera raw: colour filter array, linear raw."""
_COLORS = {INVERTED_GRAY: 1, GRAY: 1, RGB: 3, CMYK: 4}
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""What a value of each type takes."""

_MOST_PAGES = 10_000
_RAW_TEXT = "{}: camera raw cannot be read; develop it first, and save it as TIFF, PNG or JPEG"


class Page(NamedTuple):
    """What determines how a page's pixels are read."""

    offset: int
    """Where its directory is in the file."""
    size: tuple[int, int]
    """(height, width) in pixels, upright."""
    bits: int
    """Bits per channel."""
    sample_format: int
    """How a number is stored: UNSIGNED, SIGNED, FLOAT, or others."""
    photometric: int
    """What the first channels mean."""
    num_samples: int
    """Channels, with alpha and others."""
    extra_samples: tuple[int, ...] | None
    """What the channels after the colours mean; None if the file does not say."""
    is_planar: bool
    """Each channel is stored as a plane of its own."""
    is_little_endian: bool
    orientation: int
    """1 to 8, as EXIF numbers them."""
    is_packed: bool
    """The pixels are compressed."""

    @property
    def num_colors(self) -> int | None:
        """Channels of colour; None for kinds of pixels only Pillow knows, such as palettes."""
        return _COLORS.get(self.photometric)

    @property
    def alpha(self) -> int | None:
        """PREMULTIPLIED or PLAIN_ALPHA if the channel after the colours is an opacity; else None.

        Four channels of which the file says nothing are RGB and alpha, as Pillow and OpenCV have it.
        """
        if self.num_colors is None or self.num_samples <= self.num_colors or self.photometric == CMYK:
            return None
        if self.extra_samples is None:
            return PLAIN_ALPHA
        return self.extra_samples[0] if self.extra_samples[:1] in ((PREMULTIPLIED,), (PLAIN_ALPHA,)) else None


def read_pages(path: Path) -> list[Page]:
    """The pages of a TIFF, without its thumbnails.

    Raises InputError if there is none, or the file is camera raw, whose pages are only previews of the photograph.
    """
    pages: list[Page] = []
    num_thumbnails = 0
    for offset, tags in _directories(path):
        if DNG_VERSION in tags or tags.get(PHOTOMETRIC) in _SENSOR_KINDS:
            raise InputError(_RAW_TEXT.format(path))
        if tags.get(SUBFILE_TYPE, 0) & REDUCED_IMAGE:
            num_thumbnails += 1
        elif tags.get(WIDTH) and tags.get(HEIGHT):
            pages.append(_page(offset, tags))
    if num_thumbnails and not pages:
        raise InputError(_RAW_TEXT.format(path))
    if not pages:
        raise InputError(f"{path}: the TIFF holds no picture; save it again")
    return pages


def read_directory(path: Path, offset: int) -> ImageFileDirectory_v2:
    """All tags of the directory at this place. Raises InputError and struct.error if it is damaged."""
    with path.open("rb") as file:
        return _load(path, file, _head(file), offset)


def first_offset(path: Path) -> int:
    """Where the first directory is, be it a page's or a thumbnail's."""
    with path.open("rb") as file:
        return int(ImageFileDirectory_v2(_head(file)).next)


def header_starting_at(head: bytes, page_offset: int) -> bytes:
    """A TIFF's header that names another page as its first. head: the file's first 16 bytes, or more."""
    order = ">" if head[:1] == b"M" else "<"
    if BIG in head[2:4]:
        return head[:8] + struct.pack(f"{order}Q", page_offset)
    return head[:4] + struct.pack(f"{order}I", page_offset)


def _directories(path: Path) -> Iterator[tuple[int, ImageFileDirectory_v2]]:
    """Each directory of the file and its offset; stops at a cyclic chain."""
    with path.open("rb") as file:
        if file.read(10)[8:] == b"CR":  # Canon's raw files
            raise InputError(_RAW_TEXT.format(path))
        head = _head(file)
        visited: set[int] = set()
        offset = ImageFileDirectory_v2(head).next
        while offset and offset not in visited:
            if len(visited) == _MOST_PAGES:
                raise InputError(f"{path}: has more than {_MOST_PAGES} pages; split it")
            visited.add(offset)
            tags = _load(path, file, head, offset)
            yield offset, tags
            offset = tags.next


def _head(file: BinaryIO) -> bytes:
    """The header: 16 bytes of a BigTIFF, else 8."""
    file.seek(0)
    head = file.read(16)
    return head if BIG in head[2:4] else head[:8]


def _load(path: Path, file: BinaryIO, head: bytes, offset: int) -> ImageFileDirectory_v2:
    _check_tags(path, file, head, offset)
    tags = ImageFileDirectory_v2(head)
    file.seek(offset)
    tags.load(file)
    return tags


def _check_tags(path: Path, file: BinaryIO, head: bytes, offset: int) -> None:
    """Raise InputError if a directory's values together are larger than the file: many may point at the same bytes."""
    order = ">" if head[:1] == b"M" else "<"
    count, entry = ("Q", "HHQ8x") if BIG in head[2:4] else ("H", "HHI4x")
    size, entry_size = path.stat().st_size, struct.calcsize(order + entry)
    file.seek(offset)
    (number,) = struct.unpack(order + count, file.read(struct.calcsize(order + count)))
    entries = file.read(min(number * entry_size, size))
    whole = entries[: len(entries) // entry_size * entry_size]
    claimed = sum(_TYPE_BYTES.get(kind, 0) * times for _, kind, times in struct.iter_unpack(order + entry, whole))
    if claimed > size:
        raise InputError(f"{path}: its tags claim {claimed:,} bytes, more than the file has; copy or save it again")


def _page(offset: int, tags: ImageFileDirectory_v2) -> Page:
    size = int(tags.get(HEIGHT, 0)), int(tags.get(WIDTH, 0))
    orientation = int(tags.get(ORIENTATION, 1))
    extra = tags.get(EXTRA_SAMPLES)
    return Page(
        offset=offset,
        size=size[::-1] if orientation in (5, 6, 7, 8) else size,
        bits=int(np.max(tags.get(BITS, 1))),
        sample_format=int(np.max(tags.get(SAMPLE_FORMAT, UNSIGNED))),
        photometric=int(tags.get(PHOTOMETRIC, -1)),
        num_samples=int(tags.get(SAMPLES, 1)),
        extra_samples=None if extra is None else tuple(int(kind) for kind in np.atleast_1d(extra)),
        is_planar=tags.get(PLANAR_CONFIGURATION, 1) == SEPARATE_PLANES,
        is_little_endian=tags.prefix[:2] == b"II",
        orientation=orientation if 1 <= orientation <= 8 else 1,
        is_packed=tags.get(COMPRESSION, 1) != 1,
    )
