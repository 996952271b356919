"""What a file that Pillow opened says about its picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from . import gif_blocks, leftovers, photoshop
from . import xmp as packets
from .boxes import boxes_of
from .cicp import cicp_of, color_codes_in
from .exif import take_orientation
from .guard import is_followed
from .picture import PictureInfo
from .png_chunks import COLOR_CHUNKS, read_chunks
from .stored_bits import stored_bits

_PNG_XMP = "XML:com.adobe.xmp"
_RAW_PROFILE = "Raw profile type "
"""How ImageMagick puts EXIF and others into a PNG's text."""
_KEPT = {"PNG": leftovers.PNG, "WEBP": leftovers.WEBP, "GIF": leftovers.GIF, "AVIF": leftovers.BOXES}
"""Of each format, the blocks that are read."""
_MOST_CHUNKS = 100_000
_BEGINNING = 1 << 16
"""Where a file says how many bits a channel has."""


class Metadata(NamedTuple):
    orientation: int
    """1 to 8, as EXIF numbers them: how the stored pixels are to be turned."""
    info: PictureInfo
    """Of the upright picture."""


def read_metadata(path: Path, opened: Image.Image, bit_depth: int) -> Metadata:
    """The metadata of an open picture whose pixels are loaded: some of a PNG's may be behind them.

    bit_depth: of these pixels.
    """
    chunks = read_chunks(path, frozenset({b"eXIf", *COLOR_CHUNKS}))
    blocks = _blocks(path, opened, chunks)
    stated, exif = _exif(opened, chunks.get(b"eXIf"))
    xmp = packets.in_utf8(_xmp(opened, blocks))
    orientation = stated or packets.orientation_of(xmp) or 1
    info = PictureInfo(
        icc_profile=usable_profile(opened.info.get("icc_profile")),
        exif=exif,
        xmp=packets.carried(xmp, orientation),
        iptc=photoshop.iptc_in(_resources(opened)),
        color_chunks=_color_chunks(opened, blocks),
        text=_text(opened),
        dpi=_dpi(opened, orientation >= 5),
        loop=_loop(opened),
        is_lossless=b"VP8L" in blocks and b"VP8 " not in blocks,
        losses=_losses(path, opened, xmp, blocks, bit_depth),
        source_format="JPEG" if opened.format == "MPO" else opened.format,
    )
    return Metadata(orientation, info)


def usable_profile(profile: bytes | None) -> bytes | None:
    """A profile that fits the pixels as we hold them, i.e. is neither CMYK nor Lab."""
    return profile if profile and profile[16:20] in (b"RGB ", b"GRAY") else None


def _exif(opened: Image.Image, chunk: bytes | None) -> tuple[int | None, bytes | None]:
    block = chunk or opened.info.get("exif")
    if not block and f"{_RAW_PROFILE}exif" in opened.info:
        block = opened.getexif().tobytes()
    return take_orientation(block) if block else (None, None)


def _blocks(path: Path, opened: Image.Image, chunks: Mapping[bytes, bytes]) -> Mapping[bytes, bytes]:
    """What the file consists of, by name; contents only of those that Pillow does not hand on."""
    if opened.format == "GIF":
        return dict(gif_blocks.applications_in(path.read_bytes()))
    if opened.format == "AVIF":
        return boxes_of(path.read_bytes())
    return dict.fromkeys(_riff_kinds(path), b"") if opened.format == "WEBP" else chunks


def _color_chunks(opened: Image.Image, blocks: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    if opened.format == "AVIF" and "icc_profile" not in opened.info:
        return cicp_of(*color_codes_in(blocks.get(b"meta", b"") + blocks.get(b"moov", b"")))
    return {name: blocks[name] for name in COLOR_CHUNKS if blocks.get(name)}


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_BEGINNING)


def _xmp(opened: Image.Image, blocks: Mapping[bytes, bytes]) -> bytes:
    """The packet; empty if there is none."""
    for kind, data in getattr(opened, "applist", ()):
        if kind == "APP1" and data.startswith(packets.JPEG_PREFIX):
            return bytes(data[len(packets.JPEG_PREFIX) :])
    if gif_blocks.NAME in blocks:
        return gif_blocks.xmp_in(blocks[gif_blocks.NAME])
    packet = getattr(opened, "text", {}).get(_PNG_XMP) or opened.info.get("xmp") or b""
    return packet.encode("utf-8", errors="replace") if isinstance(packet, str) else packet


def _resources(opened: Image.Image) -> bytes:
    return photoshop.join_segments(bytes(data) for kind, data in getattr(opened, "applist", ()) if kind == "APP13")


def _text(opened: Image.Image) -> dict[str, str]:
    if opened.format == "PNG":
        entries: dict[str, Any] = getattr(opened, "text", {})
        return {key: value for key, value in entries.items() if key != _PNG_XMP and not key.startswith(_RAW_PROFILE)}
    comments = [data for kind, data in getattr(opened, "applist", ()) if kind == "COM"] or [opened.info.get("comment")]
    comment = "\n".join(_decoded(text) if isinstance(text, bytes) else text for text in comments if text)
    return {"comment": comment} if comment else {}


def _decoded(comment: bytes) -> str:
    try:
        return comment.decode("utf-8")
    except UnicodeDecodeError:
        return comment.decode("latin-1")


def _dpi(opened: Image.Image, is_turned: bool) -> tuple[float, float] | None:
    dpi = opened.info.get("dpi")
    if not dpi or min(dpi) <= 0:
        return None
    across, down = float(dpi[0]), float(dpi[1])
    return (down, across) if is_turned else (across, down)


def _loop(opened: Image.Image) -> int:
    """How often it plays. GIF counts repetitions after the first time, and has no entry for playing once."""
    if opened.format != "GIF":
        return int(opened.info.get("loop", 0))
    repetitions = opened.info.get("loop")
    return 1 if repetitions is None else 0 if repetitions == 0 else int(repetitions) + 1


def _riff_kinds(path: Path) -> set[bytes]:
    """The kinds of a WebP's first 100,000 chunks, with those inside animation frames."""
    kinds: set[bytes] = set()
    with path.open("rb") as file:
        size = path.stat().st_size
        at = 12
        for _ in range(_MOST_CHUNKS):
            if at + 8 > size:
                break
            file.seek(at)
            kind, length = file.read(4), int.from_bytes(file.read(4), "little")
            kinds.add(kind)
            if kind == b"ANMF":
                at += 8 + 16  # a frame's own header; its chunks follow
            else:
                at += 8 + length + length % 2
    return kinds


def _losses(
    path: Path, opened: Image.Image, xmp: bytes, blocks: Mapping[bytes, bytes], bit_depth: int
) -> tuple[str, ...]:
    """What would be wrong or meaningless beside changed pixels, has no place in a result, or is not read."""
    losses = [leftovers.GAIN_MAP] if packets.has_gain_map(xmp) else []
    if opened.format in ("JPEG", "MPO"):
        losses += _of_jpeg(path, opened)
        if {leftovers.GAIN_MAP, leftovers.FURTHER}.isdisjoint(losses) and is_followed(path):
            losses.append(leftovers.BEHIND)
    elif opened.format in _KEPT:
        losses += leftovers.in_words(map(leftovers.name_of, blocks), _KEPT[opened.format])
    meta = blocks.get(b"meta", b"")
    losses += [leftovers.GAIN_MAP] if b"tmap" in meta else []
    losses += [leftovers.DEPTH_MAP] if b"auxiliary:depth" in meta else []
    if bit_depth == 8 and stored_bits(opened.format, _beginning(path)) > 8:
        losses.append("its bits beyond 8 a channel")
    if opened.mode == "CMYK":
        losses.append("its separation into CMYK inks")
    profiles = [str(key) for key in opened.info if str(key).startswith(_RAW_PROFILE)]
    losses += leftovers.in_words(profiles, frozenset([f"{_RAW_PROFILE}exif"]))
    return tuple(dict.fromkeys(losses))


def _of_jpeg(path: Path, opened: Image.Image) -> list[str]:
    names = [leftovers.name_of_segment(data) for kind, data in getattr(opened, "applist", ()) if kind != "COM"]
    losses = leftovers.in_words(names, leftovers.JPEG)
    return [*losses, leftovers.RESOURCES] if photoshop.has_others(_resources(opened)) else losses
