"""Writing pictures: as deep, transparent and animated as the format allows, and never half a file."""

import contextlib
import logging
import math
import os
import struct
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..errors import InputError
from .convert import frame_to_array
from .exif import PREFIX
from .picture import Frame, Picture
from .png16 import write_png16
from .tiff import write_tiff

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Format:
    """What a file format can hold."""

    name: str
    """In Pillow's spelling."""
    depths: tuple[int, ...] = (8,)
    """Bits a channel, ascending; 32 is floating point."""
    alpha: bool = False
    animation: bool = False
    max_side_px: int = 2**31 - 1


_PNG = _Format("PNG", (8, 16), alpha=True, animation=True)
_JPEG = _Format("JPEG", max_side_px=65535)
_WEBP = _Format("WEBP", alpha=True, animation=True, max_side_px=16383)
_TIFF = _Format("TIFF", (8, 16, 32), alpha=True)
_GIF = _Format("GIF", alpha=True, animation=True, max_side_px=65535)
_BMP = _Format("BMP")
_AVIF = _Format("AVIF", alpha=True, animation=True, max_side_px=65536)
_FORMATS = {
    ".png": _PNG, ".apng": _PNG, ".jpg": _JPEG, ".jpeg": _JPEG, ".jpe": _JPEG, ".jfif": _JPEG, ".webp": _WEBP,
    ".tif": _TIFF, ".tiff": _TIFF, ".gif": _GIF, ".bmp": _BMP, ".avif": _AVIF,
}  # fmt: skip

WRITABLE_SUFFIXES = tuple(_FORMATS)
"""The endings `write_picture` understands, in lower case."""

_PNG_LEVEL = 3
_MAX_JPEG_EXIF_BYTES = 65533 - len(PREFIX)
_MAX_TIFF_BYTES = 2**32 - 2**24
_DEFAULT_FRAME_MS = 100


def write_picture(picture: Picture, path: str | Path, *, quality: int = 95) -> None:
    """Write the picture to a file, in the format its ending names (WRITABLE_SUFFIXES).

    The depth is kept where the format can: 16 bits in PNG and TIFF, floating point in TIFF; else the next lower one it
    has, rounded half to even. Pixels that were read and not changed come back exactly in PNG, TIFF and BMP. Gray stays
    gray. Transparency is kept, or laid over white in JPEG and BMP. Animations stay animated in PNG, GIF and WebP (and
    AVIF), at 8 bits; other formats refuse them. Profile, EXIF, resolution and text go along where the format has them.

    quality: 1 to 100 for JPEG (never with reduced colours), WebP (100: lossless) and AVIF.
    The file appears complete or not at all: it is written beside its place and then moved there.
    Raises InputError for an unknown ending, a picture the format cannot hold, or when the file cannot be written.
    """
    path = Path(os.path.realpath(path))
    format = _format_of(path)
    _check_fits(picture, format, path)
    if not 1 <= quality <= 100:
        raise InputError(f"quality is {quality}; use 1 to 100")
    try:
        with _appearing_whole(path) as file:
            _encode(picture, format, file, quality)
    except InputError:
        raise
    except (OSError, ValueError, struct.error) as error:
        raise InputError(f"{path}: cannot be written ({error}); check the folder, its permissions and space") from error


def _encode(picture: Picture, format: _Format, file: BinaryIO, quality: int) -> None:
    depth = max(depth for depth in format.depths if depth <= max(8, picture.bit_depth))
    if picture.is_animated:
        depth = 8
    if format is _TIFF:
        write_tiff(file, frame_to_array(picture.frames[0], depth, picture.is_gray, keep_alpha=True), picture)
    elif format is _PNG and depth == 16:
        array = frame_to_array(picture.frames[0], 16, picture.is_gray, keep_alpha=True)
        write_png16(file, array, _png_chunks(picture), _PNG_LEVEL)
    else:
        _encode_by_pillow(picture, format, file, quality)


def _encode_by_pillow(picture: Picture, format: _Format, file: BinaryIO, quality: int) -> None:
    stills = [_to_pil(frame, picture.is_gray, format.alpha) for frame in picture.frames]
    arguments = _description(picture, format)
    if format is _JPEG:
        arguments |= {"quality": quality, "subsampling": 0}
    elif format is _PNG:
        arguments |= {"compress_level": _PNG_LEVEL}
    elif format is _WEBP:
        arguments |= {"quality": quality, "lossless": quality == 100, "exact": True}
    elif format is _AVIF:
        arguments |= {"quality": quality, "subsampling": "4:4:4"}
    if picture.is_animated:
        arguments |= _animation(picture, format) | {"append_images": stills[1:]}
    stills[0].save(file, format.name, **arguments)


def _to_pil(frame: Frame, is_gray: bool, keep_alpha: bool) -> Image.Image:
    array = frame_to_array(frame, 8, is_gray, keep_alpha)
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def _description(picture: Picture, format: _Format) -> dict[str, Any]:
    """What goes along with the pixels, as Pillow's `save` takes it for this format."""
    arguments: dict[str, Any] = {}
    profile = _fitting_profile(picture, format)
    if profile is not None and format is not _GIF and format is not _BMP:
        arguments["icc_profile"] = profile
    if picture.exif is not None and format in (_PNG, _JPEG, _WEBP, _AVIF):
        if format is _JPEG and len(picture.exif) > _MAX_JPEG_EXIF_BYTES:
            logger.warning("the EXIF block of %d bytes does not fit into a JPEG and was left out", len(picture.exif))
        else:
            arguments["exif"] = PREFIX + picture.exif
    if picture.dpi is not None and format in (_PNG, _JPEG, _BMP):
        arguments["dpi"] = picture.dpi
    if format is _PNG:
        arguments["pnginfo"] = _png_text(picture)
    if format in (_JPEG, _GIF) and "comment" in picture.text:
        arguments["comment"] = picture.text["comment"].encode("utf-8")
    return arguments


def _animation(picture: Picture, format: _Format) -> dict[str, Any]:
    durations = [_DEFAULT_FRAME_MS if f.duration_ms is None else round(f.duration_ms) for f in picture.frames]
    arguments: dict[str, Any] = {"save_all": True, "duration": durations}
    if format is _GIF:
        arguments |= {"disposal": 2} if picture.frames[0].alpha is not None else {}
        arguments |= {"loop": max(0, picture.loop - 1)} if picture.loop != 1 else {}
    elif format is not _AVIF:
        arguments["loop"] = picture.loop
    return arguments


def _fitting_profile(picture: Picture, format: _Format) -> bytes | None:
    """The profile, unless it describes gray and the file is going to hold colours."""
    is_gray_profile = picture.icc_profile is not None and picture.icc_profile[16:20] == b"GRAY"
    stays_gray = picture.is_gray and format in (_PNG, _JPEG, _TIFF, _BMP)
    return picture.icc_profile if stays_gray or not is_gray_profile else None


def _png_text(picture: Picture) -> PngInfo:
    text = PngInfo()
    for key, value in picture.text.items():
        text.add_text(key, value)
    return text


def _png_chunks(picture: Picture) -> Iterator[tuple[bytes, bytes]]:
    if picture.icc_profile is not None:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(picture.icc_profile)
    if picture.dpi is not None:
        across, down = (int(dpi / 0.0254 + 0.5) for dpi in picture.dpi)
        yield b"pHYs", struct.pack(">IIB", across, down, 1)
    if picture.exif is not None:
        yield b"eXIf", picture.exif
    for name, data, *_ in _png_text(picture).chunks:
        yield name, data


def _format_of(path: Path) -> _Format:
    format = _FORMATS.get(path.suffix.lower())
    if format is None:
        raise InputError(f"{path}: unknown ending {path.suffix!r}; use one of {', '.join(WRITABLE_SUFFIXES)}")
    Image.init()
    if format.name not in Image.SAVE:
        raise InputError(f"{path}: this Pillow cannot write {format.name}; update it, or use .png")
    return format


def _check_fits(picture: Picture, format: _Format, path: Path) -> None:
    for frame in picture.frames:
        side = max(frame.image.shape[1:])
        if side > format.max_side_px:
            raise InputError(
                f"{path}: {format.name} holds at most {format.max_side_px} px a side, not {side}; use .png"
            )
        low, high = (float(value) for value in torch.aminmax(frame.image))
        if not math.isfinite(high - low):
            raise InputError(f"{path}: the picture to write has values that are not numbers (NaN)")
    if picture.is_animated and not format.animation:
        names = ", ".join(suffix for suffix, other in _FORMATS.items() if other.animation)
        raise InputError(f"{path}: {format.name} cannot hold an animation; use one of {names}")
    if picture.is_animated and len({frame.image.shape for frame in picture.frames}) > 1:
        raise InputError(f"{path}: the frames of the animation differ in size; make them equal")
    if format is _TIFF and picture.frames[0].image.numel() * 4 * picture.bit_depth // 24 > _MAX_TIFF_BYTES:
        raise InputError(f"{path}: too large for a TIFF, which ends at 4 GB; use .png")


@contextlib.contextmanager
def _appearing_whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its place only when all went well; any exception or Ctrl-C removes it."""
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it first")
    if path.is_dir():
        raise InputError(f"{path}: there is a folder of this name; choose another")
    temporary = path.with_name(f".vqfr-{uuid.uuid4().hex[:12]}.part")
    try:
        with temporary.open("xb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
