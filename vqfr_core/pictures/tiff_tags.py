"""The directories of a TIFF file (TIFF 6.0, BigTIFF), one per page. Pillow reads and writes them."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ..errors import InputError

SUBFILE_TYPE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 273, 274, 277, 278, 279
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, PAGE_NUMBER, PREDICTOR = 282, 283, 296, 297, 317
EXTRA_SAMPLES, SAMPLE_FORMAT, ICC_PROFILE = 338, 339, 34675
INVERTED_GRAY, GRAY, RGB = 0, 1, 2
PREMULTIPLIED, PLAIN_ALPHA = 1, 2
REDUCED_IMAGE, ONE_PAGE = 1, 2
BIG = 43
_USUAL_BITS = (1, 2, 4, 8, 16, 32, 64)


class Page(NamedTuple):
    """What determines how a page's pixels are read."""

    offset: int
    """Where its directory is in the file."""
    size: tuple[int, int]
    """(height, width) in pixels, upright."""
    bits: int
    """Bits per channel."""
    photometric: int
    """What the first channels mean."""
    num_samples: int
    """Channels, with alpha."""
    is_premultiplied: bool
    """Its colours are multiplied by its alpha."""

    @property
    def is_deep(self) -> bool:
        """It has colours of more than 8 bits, which Pillow would reduce to 8."""
        return self.bits > 8 and self.photometric == RGB


def read_pages(path: Path) -> list[Page]:
    """The pages of a TIFF; thumbnails count only if there is nothing else.

    Raises InputError if there is none, or one has pixels that no decoder reads at full depth.
    """
    pages: list[Page] = []
    thumbnails: list[Page] = []
    for offset, tags in _directories(path):
        is_reduced = tags.get(SUBFILE_TYPE, 0) & REDUCED_IMAGE
        (thumbnails if is_reduced else pages).append(_page(offset, tags))
    if not pages and not thumbnails:
        raise InputError(f"{path}: the TIFF holds no picture; save it again")
    pages = pages or thumbnails[:1]
    for page in pages:
        _check_kind(path, page)
    return pages


def read_directory(path: Path, page: Page) -> ImageFileDirectory_v2:
    """All tags of a page."""
    return next(tags for offset, tags in _directories(path) if offset == page.offset)


def header_starting_at(head: bytes, page_offset: int) -> bytes:
    """A TIFF's header that names another page as its first. head: the file's first 16 bytes, or more."""
    order = ">" if head[:1] == b"M" else "<"
    if BIG in head[2:4]:
        return head[:8] + struct.pack(f"{order}Q", page_offset)
    return head[:4] + struct.pack(f"{order}I", page_offset)


def _directories(path: Path) -> Iterator[tuple[int, ImageFileDirectory_v2]]:
    """Each directory of the file and its offset; stops at a cyclic chain."""
    with path.open("rb") as file:
        head = file.read(8)
        if BIG in head[2:4]:
            head += file.read(8)
        visited = set()
        offset = ImageFileDirectory_v2(head).next
        while offset and offset not in visited:
            visited.add(offset)
            tags = ImageFileDirectory_v2(head)
            file.seek(offset)
            tags.load(file)
            yield offset, tags
            offset = tags.next


def _page(offset: int, tags: ImageFileDirectory_v2) -> Page:
    size = int(tags.get(HEIGHT, 0)), int(tags.get(WIDTH, 0))
    return Page(
        offset=offset,
        size=size[::-1] if tags.get(ORIENTATION, 1) in (5, 6, 7, 8) else size,
        bits=int(np.max(tags.get(BITS, 1))),
        photometric=tags.get(PHOTOMETRIC, -1),
        num_samples=int(tags.get(SAMPLES, 1)),
        is_premultiplied=PREMULTIPLIED in np.atleast_1d(tags.get(EXTRA_SAMPLES, 0)),
    )


def _check_kind(path: Path, page: Page) -> None:
    if page.bits not in _USUAL_BITS:
        raise InputError(f"{path}: has {page.bits} bits a channel; save it with 8 or 16")
    if page.bits > 8 and page.photometric == GRAY and page.num_samples > 1:
        raise InputError(f"{path}: {page.bits}-bit grey with transparency is not supported in TIFF; save it as PNG")
