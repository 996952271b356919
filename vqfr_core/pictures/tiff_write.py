"""Write TIFF page by page, losslessly compressed, at 8, 16 and 32 bits a channel. Pillow has no 16-bit colours."""

import dataclasses
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ..errors import InputError
from . import tiff_tags as tag
from .convert import frame_to_array
from .exif import tags_of
from .fitting import fit_info
from .formats import Format, stored_depth
from .losses import tell_loss
from .picture import Frame, PictureInfo

_MAX_BYTES = 2**32 - 2**24
_ADOBE_DEFLATE = 8
_DIFFERENCES = 2
_UNSIGNED, _FLOAT = 1, 3


def write_tiff(
    file: BinaryIO, frames: Iterator[Frame], info: PictureInfo, format: Format, num_frames: int, quality: int
) -> None:
    """Write frames as pages, each with its own metadata; the file's go to the others. Lossless at any quality.

    Raises InputError if the file would be too large.
    """
    depth = stored_depth(format, info.bit_depth)
    file.write(b"II*\0\x08\0\0\0")

    def to_page(frame: Frame) -> tuple[np.ndarray, PictureInfo]:
        return frame_to_array(frame, depth, info.is_gray, keep_alpha=True), _info_of(frame, info, format)

    # map keeps no frame alive while the next one is made.
    for number, (page, described) in enumerate(map(to_page, frames)):
        # Hardly any program reads deep grey with transparency.
        array = page[..., [0, 0, 0, 1]] if page.shape[2] == 2 and page.itemsize > 1 else page
        packed = zlib.compress(array.tobytes() if array.dtype.kind == "f" else _differences(array).tobytes(), 4)
        tags = _pixel_tags(array, len(packed))
        _add_description(tags, described)
        if num_frames > 1:
            tags[tag.SUBFILE_TYPE], tags[tag.PAGE_NUMBER] = tag.ONE_PAGE, (number, num_frames)
        _write_page(file, tags, packed, is_last=number + 1 == num_frames)


def _info_of(frame: Frame, info: PictureInfo, format: Format) -> PictureInfo:
    """A page's own metadata, or the file's. What of its own it cannot keep is told."""
    if frame.own_info is None:
        return info
    own = fit_info(dataclasses.replace(frame.own_info, is_gray=info.is_gray), format, *frame.image.shape[1:])
    for loss in own.losses:
        tell_loss(f"{loss} was left out on a later page")
    return own


def _write_page(file: BinaryIO, tags: ImageFileDirectory_v2, packed: bytes, is_last: bool) -> None:
    start = file.tell()
    directory = bytearray(tags.tobytes(start))  # Pillow counts the strip's position from the end of the tags
    end = start + len(directory) + len(packed) + len(packed) % 2
    if end > _MAX_BYTES:
        raise InputError("too large for a TIFF, which is limited to 4 GB; use .png")
    if not is_last:
        (num_entries,) = struct.unpack_from("<H", directory)
        struct.pack_into("<I", directory, 2 + 12 * num_entries, end)
    file.write(directory)
    file.write(packed + bytes(len(packed) % 2))


def _pixel_tags(array: np.ndarray, num_bytes: int) -> ImageFileDirectory_v2:
    height, width, num_channels = array.shape
    is_float = array.dtype.kind == "f"
    tags = ImageFileDirectory_v2()
    tags[tag.WIDTH], tags[tag.HEIGHT], tags[tag.SAMPLES] = width, height, num_channels
    tags[tag.BITS] = (8 * array.dtype.itemsize,) * num_channels
    tags[tag.SAMPLE_FORMAT] = (_FLOAT if is_float else _UNSIGNED,) * num_channels
    tags[tag.PHOTOMETRIC] = tag.GRAY if num_channels < 3 else tag.RGB
    if num_channels in (2, 4):
        tags[tag.EXTRA_SAMPLES] = (tag.PLAIN_ALPHA,)
    tags[tag.COMPRESSION] = _ADOBE_DEFLATE
    if not is_float:
        tags[tag.PREDICTOR] = _DIFFERENCES
    tags[tag.ROWS_PER_STRIP], tags[tag.STRIP_OFFSETS], tags[tag.STRIP_BYTES] = height, 0, num_bytes
    return tags


def _add_description(tags: ImageFileDirectory_v2, info: PictureInfo) -> None:
    if info.dpi is not None:
        tags[tag.X_RESOLUTION], tags[tag.Y_RESOLUTION] = info.dpi
        tags[tag.RESOLUTION_UNIT] = 2
    if info.icc_profile is not None:
        tags.tagtype[tag.ICC_PROFILE] = 7
        tags[tag.ICC_PROFILE] = info.icc_profile
    if info.xmp is not None:
        tags.tagtype[tag.XMP] = 1
        tags[tag.XMP] = info.xmp
    if info.iptc is not None:
        tags.tagtype[tag.IPTC] = 7
        tags[tag.IPTC] = info.iptc
    if info.exif is not None:
        for number, value in tags_of(info.exif).items():
            tags[number] = value


def _differences(array: np.ndarray) -> np.ndarray:
    """Each sample minus the one to its left, wrapping around, in the file's byte order."""
    differences = array.astype(array.dtype.newbyteorder("<"))
    differences[:, 1:] -= array[:, :-1]
    return differences
