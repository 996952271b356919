"""Read TIFF page by page, at 8, 16 and 32 bits a channel."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import tiff_tags as tag
from . import xmp as packets
from .exif import descriptive_tags, exif_from_tags, orient
from .guard import check_content, check_size
from .picture import Frame, PictureInfo
from .picture_file import PictureFile
from .pillow_metadata import usable_profile
from .tiff_pixels import kind_of_page, read_page
from .tiff_tags import read_directory, read_pages

_INCHES_PER_UNIT = {2: 1.0, 3: 2.54}


class TiffFile(PictureFile):
    """See `PictureFile`. Profile and resolution are the first page's."""

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
        # Fax codes store a blank line of any length in a bit.
        check_content(path, max(page.size[0] * page.size[1] * min(page.bits, 8) // 8 for page in self._pages))
        check_size(path, self.num_pixels, self.num_pixels if max_pixels is None else max_pixels)
        xmp = _bytes(first.get(tag.XMP))
        # The decoders turn a page as its tag says; without the tag, XMP decides.
        self._turn = (xmp and tag.ORIENTATION not in first and packets.orientation_of(xmp)) or 1
        if self._turn >= 5:
            self.size = self.size[::-1]
        info = PictureInfo(
            icc_profile=usable_profile(first.get(tag.ICC_PROFILE)),
            exif=_read_exif(path),
            xmp=xmp and packets.turn_upright(xmp, self._turn if self._turn > 1 else self._pages[0].orientation),
            iptc=_bytes(first.get(tag.IPTC)),
            dpi=_dpi(first),
            source_format="TIFF",
        )
        self._take_kinds(info, [kind_of_page(path, page) for page in self._pages])

    def close(self) -> None:
        """Nothing to do: each page is opened for itself."""

    def _decode(self, number: int) -> Frame:
        pixels = read_page(self.path, self._pages[number])
        turn = self._turn if number == 0 else 1
        return Frame(orient(pixels.image, turn), None if pixels.alpha is None else orient(pixels.alpha, turn))


def _read_exif(path: Path) -> bytes | None:
    """The tags of the first directory, even a thumbnail's. None for BigTIFF, whose layout differs from EXIF's."""
    with path.open("rb") as file:
        if tag.BIG in file.read(4)[2:]:
            return None
        file.seek(0)
        return exif_from_tags(descriptive_tags(file))


def _bytes(value: Any) -> bytes | None:
    """A tag's bytes, of which some programs make numbers or text."""
    if isinstance(value, bytes):
        return value or None
    if isinstance(value, str):
        return value.encode("latin-1", errors="replace")
    if isinstance(value, tuple) and all(isinstance(number, int) and 0 <= number < 2**32 for number in value):
        large = any(number > 255 for number in value)
        return b"".join(number.to_bytes(4, "little") for number in value) if large else bytes(value)
    return None


def _dpi(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    factor = _INCHES_PER_UNIT.get(tags.get(tag.RESOLUTION_UNIT, 2))
    across, down = float(tags.get(tag.X_RESOLUTION, 0)), float(tags.get(tag.Y_RESOLUTION, 0))
    if not factor or across <= 0 or down <= 0:
        return None
    is_turned = tags.get(tag.ORIENTATION, 1) in (5, 6, 7, 8)
    return (down * factor, across * factor) if is_turned else (across * factor, down * factor)
