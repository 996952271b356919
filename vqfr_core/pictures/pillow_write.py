"""Writing by Pillow: 8-bit photographs, and animations whose frames are made one at a time."""

import os
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..errors import InputError
from . import gif_blocks
from .convert import frame_to_array
from .exif import PREFIX
from .formats import Format
from .frame_sequence import Durations, FrameSequence
from .gif_palette import with_palette
from .losses import tell_loss
from .photoshop import segment_with
from .picture import Frame, PictureInfo
from .xmp import JPEG_PREFIX as XMP_PREFIX

PNG_LEVEL = 3
_SEGMENT_BYTES = 65533
_DEFAULT_FRAME_MS = 100


def write_by_pillow(
    file: BinaryIO, frames: Iterator[Frame], info: PictureInfo, format: Format, num_frames: int, quality: int
) -> None:
    """Write a photograph or an animation. An animation's frames are all of one size, with alpha or without.

    Raises InputError when this Pillow lacks the format.
    """
    Image.init()
    if format.name not in Image.SAVE:
        raise InputError(f"this Pillow cannot write {format.name}; update it, or use .png")
    arguments = _description(info, format) | _compression(info, format, quality)
    durations = Durations()

    def to_still(frame: Frame) -> Image.Image:
        durations.append(_DEFAULT_FRAME_MS if frame.duration_ms is None else round(frame.duration_ms))
        if format.name == "GIF" and frame.colors is not None:
            return with_palette(frame_to_array(frame, 8, False, format.alpha), frame.colors)
        array = frame_to_array(frame, 8, info.is_gray, format.alpha)
        return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)

    stills = map(to_still, frames)
    if num_frames == 1:
        next(stills).save(file, format.name, **arguments)
    else:
        sequence = durations.sequence = FrameSequence(stills, num_frames)
        arguments |= {"save_all": True, "duration": durations, **_repetition(info, format, sequence.is_transparent)}
        sequence.save(file, format.name, **arguments)
    if format.name == "GIF" and info.xmp is not None:
        file.seek(-len(gif_blocks.END), os.SEEK_END)
        file.write(gif_blocks.end_with(info.xmp))


def png_chunks(info: PictureInfo) -> PngInfo:
    """Text entries, XMP and the meaning of colours, as a PNG has them, in Pillow's form."""
    chunks = PngInfo()
    for name, data in info.color_chunks.items():
        if name != b"sRGB" or info.icc_profile is None:  # one or the other
            chunks.add(name, data)
    for key, value in info.text.items():
        chunks.add_text(key, value)
    if info.xmp is not None:
        chunks.add_itxt("XML:com.adobe.xmp", info.xmp.decode("utf-8", errors="replace"))
    return chunks


def _compression(info: PictureInfo, format: Format, quality: int) -> dict[str, Any]:
    arguments: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": quality, "subsampling": 0},
        "PNG": {"compress_level": PNG_LEVEL},
        "WEBP": {"quality": quality, "lossless": info.is_lossless or quality == 100, "exact": True},
        "AVIF": {"quality": quality, "subsampling": "4:4:4"},
    }
    return arguments.get(format.name, {})


def _description(info: PictureInfo, format: Format) -> dict[str, Any]:
    """The metadata, as arguments of Pillow's `save` for this format."""
    arguments: dict[str, Any] = {}
    if info.icc_profile is not None and "icc_profile" in format.carries:
        arguments["icc_profile"] = info.icc_profile
    if info.exif is not None and "exif" in format.carries:
        if len(info.exif) > format.max_exif_bytes:
            tell_loss(f"the EXIF block of {len(info.exif)} bytes does not fit into a {format.name} and was left out")
        else:
            arguments["exif"] = PREFIX + info.exif
    if info.dpi is not None and "dpi" in format.carries:
        arguments["dpi"] = info.dpi
    if format.name == "PNG":
        arguments["pnginfo"] = png_chunks(info)
    if format.name == "JPEG":
        arguments["extra"] = _jpeg_segments(info)
    elif info.xmp is not None and "xmp" in format.carries:
        arguments["xmp"] = info.xmp
    if "comment" in format.carries and "comment" in info.text:
        arguments["comment"] = info.text["comment"].encode("utf-8")
    return arguments


def _jpeg_segments(info: PictureInfo) -> bytes:
    """XMP and IPTC, which not every Pillow writes."""
    segments = b""
    for marker, name, data in (
        (b"\xff\xe1", "XMP", info.xmp and XMP_PREFIX + info.xmp),
        (b"\xff\xed", "IPTC", info.iptc and segment_with(info.iptc)),
    ):
        if not data:
            continue
        if len(data) > _SEGMENT_BYTES:
            tell_loss(f"{name} of {len(data)} bytes does not fit into a JPEG and was left out")
        else:
            segments += marker + struct.pack(">H", len(data) + 2) + data
    return segments


def _repetition(info: PictureInfo, format: Format, has_alpha: bool) -> dict[str, Any]:
    """How often it plays, and how frames are disposed of. GIF counts repetitions after the first time."""
    if format.name == "AVIF":
        return {}
    if format.name != "GIF":
        return {"loop": info.loop}
    disposal = {"disposal": 2} if has_alpha else {}
    return disposal | ({"loop": max(0, info.loop - 1)} if info.loop != 1 else {})
