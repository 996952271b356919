"""What a file that Pillow opened says about its picture."""

from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from . import xmp as packets
from .exif import take_orientation
from .photoshop import iptc_of
from .picture import PictureInfo
from .png_chunks import COLOR_CHUNKS, read_chunks

_PNG_XMP = "XML:com.adobe.xmp"
_PNG_CREDENTIALS = b"caBX"


class Metadata(NamedTuple):
    orientation: int
    """1 to 8, as EXIF numbers them: how the stored pixels are to be turned."""
    info: PictureInfo
    """Of the upright picture."""


def read_metadata(path: Path, opened: Image.Image) -> Metadata:
    """The metadata of an open picture whose pixels are loaded: some of a PNG's may be behind them."""
    chunks = read_chunks(path, frozenset({b"eXIf", _PNG_CREDENTIALS, *COLOR_CHUNKS}))
    stated, exif = _exif(opened, chunks.get(b"eXIf"))
    xmp = _xmp(opened)
    orientation = stated or (packets.orientation_of(xmp) if xmp else None) or 1
    losses = _losses(path, opened, xmp, has_credentials=_PNG_CREDENTIALS in chunks)
    info = PictureInfo(
        icc_profile=usable_profile(opened.info.get("icc_profile")),
        exif=exif,
        xmp=packets.without_gain_map(packets.turn_upright(xmp, orientation)) if xmp else None,
        iptc=_iptc(opened),
        color_chunks={name: chunks[name] for name in COLOR_CHUNKS if name in chunks},
        text=_text(opened),
        dpi=_dpi(opened, orientation >= 5),
        loop=_loop(opened),
        is_lossless=opened.format == "WEBP" and _is_lossless_webp(path),
        losses=losses,
        source_format="JPEG" if opened.format == "MPO" else opened.format,
    )
    return Metadata(orientation, info)


def usable_profile(profile: bytes | None) -> bytes | None:
    """A profile that fits the pixels as we hold them, i.e. is neither CMYK nor Lab."""
    return profile if profile and profile[16:20] in (b"RGB ", b"GRAY") else None


def _exif(opened: Image.Image, chunk: bytes | None) -> tuple[int | None, bytes | None]:
    block = chunk or opened.info.get("exif")
    if not block and "Raw profile type exif" in opened.info:  # how ImageMagick puts EXIF into a PNG
        block = opened.getexif().tobytes()
    return take_orientation(block) if block else (None, None)


def _xmp(opened: Image.Image) -> bytes | None:
    for kind, data in getattr(opened, "applist", ()):
        if kind == "APP1" and data.startswith(packets.JPEG_PREFIX):
            return bytes(data[len(packets.JPEG_PREFIX) :])
    packet = getattr(opened, "text", {}).get(_PNG_XMP) or opened.info.get("xmp")
    return packet.encode("utf-8", errors="replace") if isinstance(packet, str) else packet or None


def _iptc(opened: Image.Image) -> bytes | None:
    for kind, data in getattr(opened, "applist", ()):
        if kind == "APP13":
            found = iptc_of(bytes(data))
            if found:
                return found
    return None


def _text(opened: Image.Image) -> dict[str, str]:
    if opened.format == "PNG":
        entries: dict[str, Any] = getattr(opened, "text", {})
        return {
            key: value for key, value in entries.items() if key != _PNG_XMP and not key.startswith("Raw profile type ")
        }
    comment = opened.info.get("comment")
    if isinstance(comment, bytes):
        return {"comment": _decoded(comment)} if comment else {}
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


def _is_lossless_webp(path: Path) -> bool:
    """Whether all its pictures are stored without loss."""
    kinds = riff_kinds(path)
    return b"VP8L" in kinds and b"VP8 " not in kinds


def riff_kinds(path: Path) -> set[bytes]:
    """The kinds of a WebP's chunks, with those inside animation frames."""
    kinds: set[bytes] = set()
    with path.open("rb") as file:
        size = path.stat().st_size
        at = 12
        while at + 8 <= size:
            file.seek(at)
            kind, length = file.read(4), int.from_bytes(file.read(4), "little")
            kinds.add(kind)
            if kind == b"ANMF":
                at += 8 + 16  # a frame's own header; its chunks follow
            else:
                at += 8 + length + length % 2
    return kinds


def _losses(path: Path, opened: Image.Image, xmp: bytes | None, has_credentials: bool) -> tuple[str, ...]:
    """What would be wrong or meaningless beside changed pixels, or has no place in a result."""
    losses = []
    if xmp is not None and packets.has_gain_map(xmp):
        losses.append("its HDR gain map")
    elif opened.format == "MPO":
        losses.append("its further pictures (MPO)")
    is_signed = any(kind == "APP11" and b"jumb" in data[:64] for kind, data in getattr(opened, "applist", ()))
    if has_credentials or is_signed or (opened.format == "WEBP" and b"C2PA" in riff_kinds(path)):
        losses.append("its Content Credentials (C2PA), which sign the pixels as they were")
    return tuple(losses)
