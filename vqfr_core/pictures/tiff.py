"""Read TIFF page by page, at 8, 16 and 32 bits a channel."""

import struct
from collections import ChainMap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from . import leftovers, photoshop
from . import tiff_tags as tag
from . import xmp as packets
from .exif import descriptive_tags, exif_from_tags, orient
from .guard import check_content, check_size
from .losses import tell_loss
from .picture import Frame, PictureInfo
from .picture_file import PictureFile
from .pillow_metadata import Metadata, usable_profile
from .tiff_pixels import kind_of_page, read_page
from .tiff_tags import first_offset, read_directory, read_pages

_INCHES_PER_UNIT = {2: 1.0, 3: 2.54}
_FIRST_PRIVATE = 32768


class TiffFile(PictureFile):
    """See `PictureFile`. Its metadata are the first page's; later ones have their own."""

    def __init__(self, path: Path, head: bytes, max_frame_pixels: int, max_pixels: int | None) -> None:
        """Raises InputError if it has too many pixels or an unsupported kind of pixels, and Pillow's errors."""
        self.path = path
        self._pages, self._first_offset = read_pages(path), first_offset(path)
        self.num_frames = len(self._pages)
        self.size = self._pages[0].size
        sizes = [page.size[0] * page.size[1] for page in self._pages]
        self.num_pixels = sum(sizes)
        check_size(path, max(sizes), max_frame_pixels)
        # Fax codes store a blank line of any length in a bit.
        check_content(path, max(page.size[0] * page.size[1] * min(page.bits, 8) // 8 for page in self._pages))
        check_size(path, self.num_pixels, self.num_pixels if max_pixels is None else max_pixels)
        self._first = self._metadata(0)
        if self._first.orientation >= 5:
            self.size = self.size[::-1]
        self._take_kinds(self._first.info, [kind_of_page(path, page) for page in self._pages])

    def close(self) -> None:
        """Nothing to do: each page is opened for itself."""

    def _decode(self, number: int) -> Frame:
        pixels = read_page(self.path, self._pages[number])
        turn, info = self._metadata(number) if number else self._first
        alpha = None if pixels.alpha is None else orient(pixels.alpha, turn)
        return Frame(orient(pixels.image, turn), alpha, own_info=info if number else None)

    def _metadata(self, number: int) -> Metadata:
        """Of a page. The decoders turn it as its tag says; without the tag XMP decides, and that turn is told."""
        page = self._pages[number]
        tags = read_directory(self.path, page.offset)
        xmp = packets.in_utf8(_bytes(tags.get(tag.XMP)) or b"")
        turn = 1 if tag.ORIENTATION in tags else packets.orientation_of(xmp) or 1
        orientation = page.orientation if turn == 1 else turn
        resources = _bytes(tags.get(tag.PHOTOSHOP)) or b""
        # What is said of a photograph may be in the directory of a thumbnail that comes first.
        said = tags if number else ChainMap(tags, read_directory(self.path, self._first_offset))
        info = PictureInfo(
            icc_profile=usable_profile(tags.get(tag.ICC_PROFILE)),
            exif=exif_from_tags(descriptive_tags(said, lambda number: self._inner(said[number]))),
            xmp=packets.carried(xmp, orientation),
            iptc=_bytes(tags.get(tag.IPTC)) or photoshop.iptc_in(resources),
            dpi=_dpi(tags, orientation >= 5),
            source_format="TIFF",
            losses=_losses(tags, resources),
        )
        return Metadata(turn, info)

    def _inner(self, offset: Any) -> Mapping[int, Any]:
        """The directory that a tag points to."""
        try:
            return read_directory(self.path, offset)
        except (InputError, OverflowError, TypeError, ValueError, struct.error):
            tell_loss("the EXIF block is damaged and was left out")
            return {}


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


def _dpi(tags: Mapping[int, Any], is_turned: bool) -> tuple[float, float] | None:
    factor = _INCHES_PER_UNIT.get(tags.get(tag.RESOLUTION_UNIT, 2))
    across, down = float(tags.get(tag.X_RESOLUTION, 0)), float(tags.get(tag.Y_RESOLUTION, 0))
    if not factor or across <= 0 or down <= 0:
        return None
    return (down * factor, across * factor) if is_turned else (across * factor, down * factor)


def _losses(tags: Iterable[int], resources: bytes) -> tuple[str, ...]:
    kept = leftovers.TIFF if photoshop.has_others(resources) else leftovers.TIFF | {f"tag {tag.PHOTOSHOP}"}
    private = (number for number in tags if number >= _FIRST_PRIVATE or number == tag.SUB_DIRECTORIES)
    return tuple(leftovers.in_words([f"tag {number}" for number in sorted(private)], kept))
