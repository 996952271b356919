"""Read TIFF page by page, at 8, 16 and 32 bits a channel: deep colours by OpenCV, all else by Pillow."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from . import tiff_tags as tag
from .convert import Kind, Pixels, kind_of_pil, pixels_from_array, pixels_from_pil
from .deep import decode_deep
from .exif import descriptive_tags, exif_from_tags
from .guard import check_size
from .picture import Frame, PictureInfo
from .picture_file import PictureFile
from .tiff_tags import Page, header_starting_at, read_directory, read_pages

_INCHES_PER_UNIT = {2: 1.0, 3: 2.54}


class TiffFile(PictureFile):
    """See `PictureFile`; the decoders turn the pages upright. Profile and resolution are the first page's."""

    def __init__(self, path: Path, head: bytes, max_frame_pixels: int, max_pixels: int | None) -> None:
        """Raises InputError if it has too many pixels or an unsupported kind of pixels, and Pillow's errors."""
        self.path = path
        self._pages = read_pages(path)
        first = read_directory(path, self._pages[0])
        self.num_frames = len(self._pages)
        self.size = self._pages[0].size
        sizes = [page.size[0] * page.size[1] for page in self._pages]
        self.num_pixels = sum(sizes)
        check_size(path, max(sizes), max_frame_pixels)
        check_size(path, self.num_pixels, self.num_pixels if max_pixels is None else max_pixels)
        info = PictureInfo(
            icc_profile=first.get(tag.ICC_PROFILE) or None,
            exif=_read_exif(path),
            dpi=_dpi(first),
            source_format="TIFF",
        )
        self._take_kinds(info, [self._kind(page) for page in self._pages])

    def close(self) -> None:
        """Nothing to do: each page is opened for itself."""

    def _decode(self, number: int) -> Frame:
        page = self._pages[number]
        pixels = _read_deep(self.path, page) if page.is_deep else self._read_by_pillow(page)
        return Frame(pixels.image, pixels.alpha)

    def _kind(self, page: Page) -> Kind:
        if page.is_deep:
            return Kind(False, page.num_samples > 3, 16 if page.bits == 16 else 32)
        with _opened(self.path, page) as image:
            return kind_of_pil(image)

    def _read_by_pillow(self, page: Page) -> Pixels:
        with _opened(self.path, page) as image:
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
    """A page, without the pages before it, of which Pillow may not support the first."""
    with _StartingAt(path, page.offset) as file, Image.open(file) as image:
        yield image


def _read_deep(path: Path, page: Page) -> Pixels:
    pixels = pixels_from_array(decode_deep(path, page.offset))
    if pixels.alpha is not None and page.is_premultiplied:
        return pixels._replace(image=(pixels.image / pixels.alpha.clamp_min(1e-6)).clamp(0.0, 1.0))
    return pixels


def _read_exif(path: Path) -> bytes | None:
    """The tags of the first directory, even a thumbnail's. None for BigTIFF, whose layout differs from EXIF's."""
    with path.open("rb") as file:
        if tag.BIG in file.read(4)[2:]:
            return None
        file.seek(0)
        return exif_from_tags(descriptive_tags(file))


def _dpi(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    factor = _INCHES_PER_UNIT.get(tags.get(tag.RESOLUTION_UNIT, 2))
    across, down = float(tags.get(tag.X_RESOLUTION, 0)), float(tags.get(tag.Y_RESOLUTION, 0))
    if not factor or across <= 0 or down <= 0:
        return None
    is_turned = tags.get(tag.ORIENTATION, 1) in (5, 6, 7, 8)
    return (down * factor, across * factor) if is_turned else (across * factor, down * factor)
