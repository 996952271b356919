"""TIFF at 8, 16 and 32 bits a channel (TIFF 6.0). Pillow reads and writes its tags; it has no 16-bit colours."""

import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from ..errors import InputError
from .convert import Pixels, pixels_from_array, pixels_from_pil
from .deep import decode_deep
from .exif import descriptive_tags, exif_from_tags
from .picture import Frame, Picture

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BIG = 43
_SUBFILE_TYPE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 277, 278, 279
_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT, _PREDICTOR = 282, 283, 296, 317
_EXTRA_SAMPLES, _SAMPLE_FORMAT, _ICC_PROFILE = 338, 339, 34675
_INVERTED_GRAY, _GRAY, _RGB = 0, 1, 2
_ADOBE_DEFLATE = 8
_DIFFERENCES = 2
_PREMULTIPLIED, _PLAIN_ALPHA = 1, 2
_UNSIGNED, _FLOAT = 1, 3
_USUAL_BITS = (1, 2, 4, 8, 16, 32, 64)
_INCHES_PER_UNIT = {2: 1.0, 3: 2.54}


def is_tiff(head: bytes) -> bool:
    """Whether a file that begins with these bytes (4 or more) is a TIFF."""
    return head[:4] in _MAGIC


def read_tiff_tags(path: Path) -> Mapping[int, Any]:
    """The tags of a TIFF's picture. Raises InputError when the file holds several pages; thumbnails do not count."""
    with path.open("rb") as file:
        head = file.read(8)
        if _BIG in head[2:4]:
            head += file.read(8)
        pages: list[ImageFileDirectory_v2] = []
        visited = set()
        offset = ImageFileDirectory_v2(head).next
        while offset and offset not in visited:
            visited.add(offset)
            page = ImageFileDirectory_v2(head)
            file.seek(offset)
            page.load(file)
            pages.append(page)
            offset = page.next
    if not pages:
        raise InputError(f"{path}: the TIFF holds no picture; save it again")
    num_pages = sum(not page.get(_SUBFILE_TYPE, 0) & 1 for page in pages)
    if num_pages > 1:
        raise InputError(f"{path}: the TIFF holds {num_pages} pages; save the page you want as a file of its own")
    _check_kind(path, pages[0])
    return pages[0]


def tiff_size(tags: Mapping[int, Any]) -> tuple[int, int]:
    """(height, width) as stored, in pixels."""
    return int(tags.get(_HEIGHT, 0)), int(tags.get(_WIDTH, 0))


def read_tiff(path: Path, tags: Mapping[int, Any]) -> Picture:
    """The picture of a TIFF, upright: the decoders see to its orientation. tags: from `read_tiff_tags`.

    Raises InputError when the pixels are integers of 32 bits, not numbers or outside [0, 1], or OpenCV is needed and
    missing; Pillow's errors when the file is damaged.
    """
    pixels = _read_deep(path, tags) if _is_deep(tags) else _read_by_pillow(path, tags)
    return Picture(
        frames=(Frame(pixels.image, pixels.alpha),),
        is_gray=pixels.is_gray,
        bit_depth=pixels.bit_depth,
        icc_profile=tags.get(_ICC_PROFILE) or None,
        exif=_read_exif(path),
        dpi=_dpi(tags),
        source_format="TIFF",
    )


def write_tiff(file: BinaryIO, array: np.ndarray, picture: Picture) -> None:
    """Write uint8, uint16 or float32 (H, W, 1 to 4) as TIFF, losslessly packed, with the picture's profile and EXIF."""
    if array.shape[2] == 2 and array.dtype.itemsize > 1:
        array = array[..., [0, 0, 0, 1]]  # hardly a program reads deep gray with transparency
    height, width, num_channels = array.shape
    colors, has_alpha = (1 if num_channels < 3 else 3), num_channels in (2, 4)
    is_float = array.dtype.kind == "f"
    packed = zlib.compress(array.tobytes() if is_float else _differences(array).tobytes(), 4)
    tags = ImageFileDirectory_v2()
    tags[_WIDTH], tags[_HEIGHT], tags[_SAMPLES] = width, height, num_channels
    tags[_BITS] = (8 * array.dtype.itemsize,) * num_channels
    tags[_SAMPLE_FORMAT] = (_FLOAT if is_float else _UNSIGNED,) * num_channels
    tags[_PHOTOMETRIC] = _GRAY if colors == 1 else _RGB
    if has_alpha:
        tags[_EXTRA_SAMPLES] = (_PLAIN_ALPHA,)
    tags[_COMPRESSION] = _ADOBE_DEFLATE
    if not is_float:
        tags[_PREDICTOR] = _DIFFERENCES
    tags[_ROWS_PER_STRIP], tags[_STRIP_OFFSETS], tags[_STRIP_BYTES] = height, 0, len(packed)
    _add_description(tags, picture)
    file.write(b"II*\0\x08\0\0\0")
    tags.save(file)  # Pillow counts the strip's position from the end of the tags
    file.write(packed)


def _add_description(tags: ImageFileDirectory_v2, picture: Picture) -> None:
    if picture.dpi is not None:
        tags[_X_RESOLUTION], tags[_Y_RESOLUTION] = picture.dpi
        tags[_RESOLUTION_UNIT] = 2
    if picture.icc_profile is not None:
        tags.tagtype[_ICC_PROFILE] = 7
        tags[_ICC_PROFILE] = picture.icc_profile
    if picture.exif is not None:
        for tag, value in descriptive_tags(io.BytesIO(picture.exif)).items():
            tags[tag] = value


def _differences(array: np.ndarray) -> np.ndarray:
    """Each sample less the one to its left, wrapping around; in the byte order of the file."""
    differences = array.astype(array.dtype.newbyteorder("<"))
    differences[:, 1:] -= array[:, :-1]
    return differences


def _check_kind(path: Path, tags: Mapping[int, Any]) -> None:
    bits = int(np.max(tags.get(_BITS, 1)))
    if bits not in _USUAL_BITS:
        raise InputError(f"{path}: has {bits} bits a channel; save it with 8 or 16")
    if bits > 8 and tags.get(_PHOTOMETRIC) == _GRAY and tags.get(_SAMPLES, 1) > 1:
        raise InputError(f"{path}: {bits}-bit gray with transparency is not understood in a TIFF; save it as PNG")


def _is_deep(tags: Mapping[int, Any]) -> bool:
    """Whether it has colours of more than 8 bits, which Pillow would reduce to 8."""
    return np.max(tags.get(_BITS, 1)) > 8 and tags.get(_PHOTOMETRIC) == _RGB


def _read_by_pillow(path: Path, tags: Mapping[int, Any]) -> Pixels:
    with Image.open(path) as opened:
        pixels = pixels_from_pil(opened)
    if pixels.bit_depth > 8 and tags.get(_PHOTOMETRIC) == _INVERTED_GRAY:  # Pillow turns it round at 8 bits only
        return pixels._replace(image=1.0 - pixels.image)
    return pixels


def _read_deep(path: Path, tags: Mapping[int, Any]) -> Pixels:
    array = decode_deep(path)
    pixels = pixels_from_array(array)
    if pixels.alpha is not None and _PREMULTIPLIED in np.atleast_1d(tags.get(_EXTRA_SAMPLES, 0)):
        image = (pixels.image / pixels.alpha.clamp_min(1e-6)).clamp(0.0, 1.0)
        pixels = pixels._replace(image=image)
    return pixels


def _read_exif(path: Path) -> bytes | None:
    """None for BigTIFF: its tags have another layout than those of EXIF."""
    with path.open("rb") as file:
        if _BIG in file.read(4)[2:]:
            return None
        file.seek(0)
        return exif_from_tags(descriptive_tags(file))


def _dpi(tags: Mapping[int, Any]) -> tuple[float, float] | None:
    factor = _INCHES_PER_UNIT.get(tags.get(_RESOLUTION_UNIT, 2))
    across, down = float(tags.get(_X_RESOLUTION, 0)), float(tags.get(_Y_RESOLUTION, 0))
    return (across * factor, down * factor) if factor and across > 0 and down > 0 else None
