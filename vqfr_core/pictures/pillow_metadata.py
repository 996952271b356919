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
_PNG_CREDENTIALS, _WEBP_CREDENTIALS = b"caBX", b"C2PA"
_MOST_CHUNKS = 100_000


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
    webp = _riff_kinds(path) if opened.format == "WEBP" else set()
    is_signed = _PNG_CREDENTIALS in chunks or _WEBP_CREDENTIALS in webp or _is_signed_jpeg(opened)
    info = PictureInfo(
        icc_profile=usable_profile(opened.info.get("icc_profile")),
        exif=exif,
        xmp=packets.without_gain_map(packets.turn_upright(xmp, orientation)) if xmp else None,
        iptc=_iptc(opened),
        color_chunks={name: chunks[name] for name in COLOR_CHUNKS if name in chunks},
        text=_text(opened),
        dpi=_dpi(opened, orientation >= 5),
        loop=_loop(opened),
        is_lossless=b"VP8L" in webp and b"VP8 " not in webp,
        losses=_losses(opened, xmp, is_signed),
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


def _is_signed_jpeg(opened: Image.Image) -> bool:
    return any(kind == "APP11" and b"jumb" in data[:64] for kind, data in getattr(opened, "applist", ()))


def _losses(opened: Image.Image, xmp: bytes | None, is_signed: bool) -> tuple[str, ...]:
    """What would be wrong or meaningless beside changed pixels, or has no place in a result."""
    losses = []
    if xmp is not None and packets.has_gain_map(xmp):
        losses.append("its HDR gain map")
    elif opened.format == "MPO":
        losses.append("its further pictures (MPO)")
    if opened.mode == "CMYK":
        losses.append("its separation into CMYK inks")
    if is_signed:
        losses.append("its Content Credentials (C2PA), which sign the pixels as they were")
    return tuple(losses)
