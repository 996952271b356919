"""PNG with 16 bits a channel (PNG specification, third edition). Pillow handles such colours at 8 bits only.

OpenCV decodes. The encoder is our own: OpenCV's does not support grey with transparency, which would become colour, and
holds a swapped copy and the whole compressed file in memory. That gains next to nothing on 3 megapixels (OpenCV 5.0, 2
cores): at zlib level 3 a photograph takes 14.2 MB and 0.94 s, here 14.6 MB and 0.74 s; a smooth gradient 0.19 MB and
0.36 s, here 0.34 MB and 0.07 s; its faster default strategy makes 3.6 MB of that gradient.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL.PngImagePlugin import PngInfo

from ..errors import InputError
from .convert import Kind, Pixels, frame_to_array, pixels_from_array
from .deep import decode_deep
from .formats import Format, stored_depth
from .picture import Frame, PictureInfo
from .pillow_write import PNG_LEVEL, png_chunks, write_by_pillow
from .png_chunks import SIGNATURE as _SIGNATURE

_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
_GRAY_TYPES = (0, 4)
_ALPHA_TYPES = (4, 6)
_SUB_FILTER = 1
_PIECE_BYTES = 1 << 20


def is_png16(head: bytes) -> bool:
    """Whether a file that begins with these bytes (26 or more) is a PNG with 16 bits a channel."""
    return head.startswith(_SIGNATURE) and len(head) > 25 and head[24] == 16


def kind_of_png16(head: bytes, info: Mapping[Any, Any]) -> Kind:
    """head: the file's first bytes. info: what Pillow says about it."""
    color_type = head[25]
    return Kind(color_type in _GRAY_TYPES, color_type in _ALPHA_TYPES or "transparency" in info, 16)


def read_png16(path: Path, transparent_color: Any = None) -> Pixels:
    """The pixels of a 16-bit PNG. transparent_color: the level, or (r, g, b), that its tRNS chunk makes transparent.

    Raises InputError when the file is damaged or OpenCV is missing.
    """
    with path.open("rb") as file:
        is_gray = file.read(26)[25] in _GRAY_TYPES
    array = decode_deep(path)
    if array.dtype != np.uint16:
        raise InputError(f"{path}: OpenCV did not keep its 16 bits ({array.dtype}); update opencv-python")
    if array.ndim == 2:
        array = array[..., None]
    colors = array[..., :1] if is_gray else array[..., :3]
    if transparent_color is not None:
        opaque = (colors != np.asarray(transparent_color, np.uint16)).any(-1, keepdims=True)
        alpha = opaque.astype(np.uint16) * 65535
    else:
        alpha = array[..., 3:]
    return pixels_from_array(np.concatenate([colors, alpha], axis=-1) if alpha.shape[-1] else colors)


def write_png(
    file: BinaryIO, frames: Iterator[Frame], info: PictureInfo, format: Format, num_frames: int, quality: int
) -> None:
    """Write a photograph at 16 bits, or let Pillow write it. Lossless at any quality."""
    if stored_depth(format, info.bit_depth) == 8 or num_frames > 1:
        write_by_pillow(file, frames, info, format, num_frames, quality)
    else:
        array = frame_to_array(next(frames), 16, info.is_gray, keep_alpha=True)
        write_png16(file, array, describing_chunks(info, png_chunks(info)), PNG_LEVEL)


def write_png16(file: BinaryIO, array: np.ndarray, chunks: Iterable[tuple[bytes, bytes]], level: int) -> None:
    """Write uint16 (H, W, 1 to 4) as PNG. chunks: (name, data) to put before the pixels. level: of zlib, 0 to 9."""
    height, width, num_channels = array.shape
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOR_TYPES[num_channels], 0, 0, 0)
    file.write(_SIGNATURE)
    _write_chunk(file, b"IHDR", header)
    for name, data in chunks:
        _write_chunk(file, name, data)
    packer = zlib.compressobj(level)
    num_rows = max(1, _PIECE_BYTES // (width * num_channels * 2))
    for top in range(0, height, num_rows):
        data = packer.compress(_filtered(array[top : top + num_rows]))
        if data:
            _write_chunk(file, b"IDAT", data)
    _write_chunk(file, b"IDAT", packer.flush())
    _write_chunk(file, b"IEND", b"")


def describing_chunks(info: PictureInfo, others: PngInfo) -> Iterator[tuple[bytes, bytes]]:
    """The metadata, as chunks for `write_png16`."""
    if info.icc_profile is not None:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(info.icc_profile)
    if info.dpi is not None:
        across, down = (int(dpi / 0.0254 + 0.5) for dpi in info.dpi)
        yield b"pHYs", struct.pack(">IIB", across, down, 1)
    if info.exif is not None:
        yield b"eXIf", info.exif
    for name, data, *_ in others.chunks:
        yield name, data


def _filtered(rows: np.ndarray) -> bytes:
    """The rows as bytes, each byte minus that of the pixel to its left, with a filter type before each row."""
    num_rows, _, num_channels = rows.shape
    stride = 2 * num_channels
    raw = np.ascontiguousarray(rows, dtype=">u2").view(np.uint8).reshape(num_rows, -1)
    filtered = np.empty((num_rows, 1 + raw.shape[1]), np.uint8)
    filtered[:, 0] = _SUB_FILTER
    filtered[:, 1 : 1 + stride] = raw[:, :stride]
    np.subtract(raw[:, stride:], raw[:, :-stride], out=filtered[:, 1 + stride :])
    return filtered.tobytes()


def _write_chunk(file: BinaryIO, name: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + name)
    file.write(data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(name))))
