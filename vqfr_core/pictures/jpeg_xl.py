"""Read JPEG XL (ISO/IEC 18181) by imagecodecs, of the extra `tiff`."""

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..extras import how_to_install
from . import xmp as packets
from .boxes import boxes_of
from .convert import Kind, pixels_from_array
from .exif import take_orientation
from .guard import check_content, check_size
from .leftovers import BOXES, in_words, name_of
from .picture import Frame, PictureInfo
from .picture_file import PictureFile

_CODESTREAM = b"\xff\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Width to height, where the file gives the height alone."""
_SIZE_BITS = (9, 13, 18, 30)


class JpegXlFile(PictureFile):
    """See `PictureFile`. The first frame; the decoder turns it upright. Profiles cannot be read."""

    def __init__(self, path: Path, head: bytes, max_frame_pixels: int, max_pixels: int | None) -> None:
        """Raises InputError if it has too many pixels, is damaged, or imagecodecs is missing."""
        try:
            from imagecodecs import jpegxl_decode
        except ImportError as error:
            install = how_to_install("tiff", "tifffile imagecodecs")
            raise InputError(f"{path}: JPEG XL needs the package imagecodecs; install it with: {install}") from error
        self.path = path
        data = path.read_bytes()
        boxes = boxes_of(data) if head[4:8] == b"JXL " else {b"jxlc": data}
        height, width = _size(boxes.get(b"jxlc") or boxes.get(b"jxlp", b"")[4:])
        check_size(path, height * width, max_frame_pixels)
        check_content(path, height * width)
        array = jpegxl_decode(data, index=0)
        self._array = np.clip(array, 0, 1) if array.dtype.kind == "f" else array
        self.num_frames, self.size, self.num_pixels = 1, array.shape[:2], height * width
        channels = 1 if array.ndim == 2 else array.shape[2]
        kind = Kind(channels < 3, channels in (2, 4), 8 * array.dtype.itemsize)
        self._take_kinds(_read_info(boxes), [kind])

    def close(self) -> None:
        """Nothing to do: the pixels are in memory."""

    def _decode(self, number: int) -> Frame:
        pixels = pixels_from_array(self._array)
        return Frame(pixels.image, pixels.alpha)


def _read_info(boxes: dict[bytes, bytes]) -> PictureInfo:
    exif, xmp = boxes.get(b"Exif", b"")[4:], boxes.get(b"xml ", b"")
    return PictureInfo(
        exif=take_orientation(exif)[1] if exif else None,
        xmp=packets.carried(packets.in_utf8(xmp), 1),
        source_format="JPEG XL",
        losses=("its colour profile, if it has one", *in_words(map(name_of, boxes), BOXES)),
    )


def _size(codestream: bytes) -> tuple[int, int]:
    """(height, width) as the stream's first bits say, which may lie on its side."""
    if not codestream.startswith(_CODESTREAM):
        raise InputError("the file is damaged or cut off (there is no picture in it); copy or save it again")
    bits = int.from_bytes(codestream[2:16], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & (1 << count) - 1
        bits >>= count
        return value

    def side(is_small: int) -> int:
        return 8 * (take(5) + 1) if is_small else take(_SIZE_BITS[take(2)]) + 1

    is_small = take(1)
    height, ratio = side(is_small), take(3)
    if not ratio:
        return height, side(is_small)
    across, down = _RATIOS[ratio - 1]
    return height, height * across // down
