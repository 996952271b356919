"""Read TIFF page by page, at 8, 16 and 32 bits a channel: deep colours by OpenCV, all else by Pillow."""

from collections.abc import Mapping
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
from .tiff_tags import Page, read_directory, read_pages

_INCHES_PER_UNIT = {2: 1.0, 3: 2.54}


class TiffFile(PictureFile):
    """See `PictureFile`; the decoders turn the pages upright. Profile and resolution are the first page's."""

    def __init__(self, path: Path, head: bytes, max_frame_pixels: int, max_pixels: int | None) -> None:
        """Raises InputError if it has too many pixels or an unsupported kind of pixels, and Pillow's errors."""
        self.path = path
        self._opened: Image.Image | None = None
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
        try:
            self._take_kinds(info, [self._kind(page) for page in self._pages])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _decode(self, number: int) -> Frame:
        page = self._pages[number]
        pixels = _read_deep(self.path, page) if page.is_deep else self._read_by_pillow(page)
        return Frame(pixels.image, pixels.alpha)

    def _kind(self, page: Page) -> Kind:
        if page.is_deep:
            return Kind(False, page.num_samples > 3, 16 if page.bits == 16 else 32)
        return kind_of_pil(self._at(page))

    def _read_by_pillow(self, page: Page) -> Pixels:
        pixels = pixels_from_pil(self._at(page))
        if pixels.bit_depth > 8 and page.photometric == tag.INVERTED_GRAY:  # Pillow inverts it only at 8 bits
            return pixels._replace(image=1.0 - pixels.image)
        return pixels

    def _at(self, page: Page) -> Image.Image:
        """Opened late: Pillow may not support a file that has only deep colours."""
        if self._opened is None:
            self._opened = Image.open(self.path)
        self._opened.seek(page.number)
        return self._opened


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
