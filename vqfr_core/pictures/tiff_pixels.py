"""The pixels of a TIFF's pages: each layout goes to a decoder that is known to read it right.

Pillow reads 8 bits and most kinds of grey; OpenCV interleaved colours of more than 8 bits, and YCbCr that is not
packed; tifffile (the extra `tiff`) everything else. Given other layouts, Pillow and OpenCV do not always fail: some
come out as wrong pixels. `tests/vqfr_core/pictures/test_tiff_layouts.py` compares them all.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from . import tiff_tags as tag
from .convert import Kind, Pixels, divide_by_alpha, kind_of_pil, pixels_from_array, pixels_from_pil
from .deep import decode_deep
from .tiff_tags import Page, header_starting_at


def kind_of_page(path: Path, page: Page) -> Kind:
    """What `read_page` will give. Raises InputError for a page that cannot be read here."""
    if _suits_opencv(page):
        return Kind(False, page.alpha is not None, page.bits if page.bits < 32 else 32)
    if _suits_pillow(page):
        try:
            with _opened(path, page) as image:
                return kind_of_pil(image)
        except UnidentifiedImageError:
            pass
    from .tiff_other import kind_of_other

    return kind_of_other(path, page)


def read_page(path: Path, page: Page) -> Pixels:
    """The pixels of a page, upright. Raises InputError, and Pillow's errors for a damaged file."""
    if _suits_opencv(page):
        return _read_by_opencv(path, page)
    if _suits_pillow(page):
        try:
            return _read_by_pillow(path, page)
        except UnidentifiedImageError:
            pass
    from .tiff_other import read_other

    return read_other(path, page)


def _suits_opencv(page: Page) -> bool:
    if page.photometric == tag.YCBCR:
        return page.bits == 8 and page.num_samples == 3 and not page.is_planar and not page.is_packed
    if page.photometric != tag.RGB or page.is_planar or page.num_samples not in (3, 4):
        return False
    return (page.sample_format, page.bits) in ((tag.UNSIGNED, 16), (tag.FLOAT, 32), (tag.FLOAT, 64))


def _suits_pillow(page: Page) -> bool:
    """Whether Pillow reads it right, or does not open it."""
    if page.is_planar and page.num_samples > 1:
        is_plain = page.alpha is None or (page.photometric == tag.RGB and page.alpha == tag.PLAIN_ALPHA)
        return page.bits == 8 and page.photometric in (tag.RGB, tag.CMYK) and page.num_samples <= 4 and is_plain
    if page.sample_format == tag.FLOAT:
        return page.bits == 32 and page.num_samples == 1 and page.is_little_endian
    if page.sample_format == tag.SIGNED:
        return False
    if page.bits == 16:
        return page.photometric == tag.CMYK or page.num_samples == 1
    return page.bits in (1, 2, 4, 8)


def _read_by_opencv(path: Path, page: Page) -> Pixels:
    array = decode_deep(path, page.offset)
    if page.alpha is None:
        array = array[..., :3]
    pixels = pixels_from_array(array)
    return divide_by_alpha(pixels) if page.alpha == tag.PREMULTIPLIED else pixels


def _read_by_pillow(path: Path, page: Page) -> Pixels:
    with _opened(path, page) as image:
        pixels = pixels_from_pil(image)
    if pixels.bit_depth > 8 and page.photometric == tag.INVERTED_GRAY:  # Pillow inverts it only at 8 bits
        return pixels._replace(image=1.0 - pixels.image)
    return pixels


class _StartingAt(io.FileIO):
    """A TIFF that seems to begin with another page; what `read` gives is changed, not the file."""

    def __init__(self, path: Path, page_offset: int) -> None:
        super().__init__(path)
        self._header = header_starting_at(super().read(16), page_offset)
        self.seek(0)

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        data = super().read(-1 if size is None else size)
        header = self._header[start : start + len(data)]
        return header + data[len(header) :]


@contextmanager
def _opened(path: Path, page: Page) -> Iterator[Image.Image]:
    """A page, without the pages before it, of which Pillow may not support the first.

    From a file object: given a path, Pillow 11 and later map the file and confuse width and height of a page stored on
    its side.
    """
    with _StartingAt(path, page.offset) as file, Image.open(file, formats=("TIFF",)) as image:
        image.info.pop("xmp", None)  # by which newer Pillows turn pages, too; `TiffFile` does it for all decoders
        yield image
