"""Reading picture files of every usual kind, without losing depth, transparency, colour profile or EXIF."""

import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from PIL import Image, UnidentifiedImageError

from ..errors import InputError
from .convert import Pixels, pixels_from_pil
from .exif import orient, take_orientation
from .picture import Frame, Picture
from .png16 import is_png16, read_png16
from .tiff import is_tiff, read_tiff, read_tiff_tags, tiff_size

READABLE_SUFFIXES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".gif", ".bmp", ".avif",
    ".ppm", ".pgm", ".pnm", ".jp2", ".tga",
)  # fmt: skip
"""What to look for in a folder. `read_picture` itself goes by a file's contents, not by its name."""

MAX_PIXELS = 500_000_000
"""Larger pictures, and animations with more pixels in all, are refused: in memory a pixel takes 12 bytes or more."""

_ANIMATED_FORMATS = ("PNG", "GIF", "WEBP", "AVIF")
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)
_limit_lock = threading.Lock()
_limit_users = 0
_limit_before: int | None = None


def read_picture(path: str | Path, max_pixels: int | None = None) -> Picture:
    """The picture in a file, upright, with all its frames and what belongs to it.

    The orientation of the EXIF block is applied and then set to normal. Palettes become RGB. CMYK becomes sRGB through
    the embedded profile, which is then left out. 16-bit gray and colour (PNG, TIFF) and floating point (TIFF, values in
    [0, 1]) keep their depth. GIF, APNG, WebP and AVIF give all their frames; of a file with several pictures of other
    kinds (MPO) the first is used, and a TIFF of several pages is refused.

    Raises InputError, naming the file, when it is missing, empty, damaged, of no known format, or has more pixels
    in all its frames than `max_pixels`, which is MAX_PIXELS when not given.
    """
    path, limit = Path(path), MAX_PIXELS if max_pixels is None else max_pixels
    _check_file(path)
    try:
        with _raised_pixel_limit():
            return _decode(path, limit)
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"{path}: {error}") from error
    except Image.DecompressionBombError as error:
        raise InputError(_too_large_text(path, limit)) from error
    except UnidentifiedImageError as error:
        raise InputError(_unknown_format_text(path)) from error
    except _DAMAGED as error:
        raise InputError(f"{path}: the file is damaged or cut off ({error}); copy or save it again") from error


def _decode(path: Path, max_pixels: int) -> Picture:
    with path.open("rb") as file:
        head = file.read(32)
    if is_tiff(head):
        tags = read_tiff_tags(path)
        _check_size(path, max_pixels, *tiff_size(tags))
        return read_tiff(path, tags)
    with Image.open(path) as opened:
        num_frames = getattr(opened, "n_frames", 1) if opened.format in _ANIMATED_FORMATS else 1
        _check_size(path, max_pixels, opened.height * num_frames, opened.width)
        orientation, exif = _exif(opened)
        if num_frames > 1:
            parts, durations = _read_frames(opened, num_frames)
        else:
            opened.load()
            deep = is_png16(head)
            parts = [read_png16(path, opened.info.get("transparency")) if deep else pixels_from_pil(opened)]
            durations = [None]
        return Picture(
            frames=tuple(_frames(parts, durations, orientation)),
            is_gray=all(part.is_gray for part in parts),
            bit_depth=max(part.bit_depth for part in parts),
            icc_profile=_profile(opened),
            exif=exif,
            text=_text(opened),
            dpi=_dpi(opened, orientation),
            loop=_loop(opened),
            source_format="JPEG" if opened.format == "MPO" else opened.format,
        )


def _read_frames(opened: Image.Image, num_frames: int) -> tuple[list[Pixels], list[float | None]]:
    parts, durations = [], []
    # An APNG may begin with a still that is only for programs without animation.
    for index in range(1 if opened.info.get("default_image") else 0, num_frames):
        opened.seek(index)
        opened.load()
        parts.append(pixels_from_pil(opened))
        durations.append(opened.info.get("duration"))
    return parts, durations


def _frames(parts: list[Pixels], durations: list[float | None], orientation: int) -> Iterator[Frame]:
    """The frames, upright; when one is transparent all get an alpha."""
    has_alpha = any(part.alpha is not None for part in parts)
    for part, duration in zip(parts, durations, strict=True):
        alpha = torch.ones_like(part.image[:1]) if has_alpha and part.alpha is None else part.alpha
        turned = None if alpha is None else orient(alpha, orientation)
        yield Frame(orient(part.image, orientation), turned, duration)


def _exif(opened: Image.Image) -> tuple[int, bytes | None]:
    block = opened.info.get("exif")
    if not block and "Raw profile type exif" in opened.info:  # how ImageMagick puts EXIF into a PNG
        block = opened.getexif().tobytes()
    return take_orientation(block) if block else (1, None)


def _profile(opened: Image.Image) -> bytes | None:
    """The embedded profile if it is one for the pixels as we hold them, that is neither CMYK nor Lab."""
    profile = opened.info.get("icc_profile")
    return profile if profile and profile[16:20] in (b"RGB ", b"GRAY") else None


def _text(opened: Image.Image) -> dict[str, str]:
    if opened.format == "PNG":
        entries: dict[str, Any] = getattr(opened, "text", {})
        return {key: value for key, value in entries.items() if not key.startswith("Raw profile type ")}
    comment = opened.info.get("comment")
    if isinstance(comment, bytes):
        comment = comment.decode("utf-8", errors="replace")
    return {"comment": comment} if comment else {}


def _dpi(opened: Image.Image, orientation: int) -> tuple[float, float] | None:
    dpi = opened.info.get("dpi")
    if not dpi or min(dpi) <= 0:
        return None
    across, down = float(dpi[0]), float(dpi[1])
    return (down, across) if orientation >= 5 else (across, down)


def _loop(opened: Image.Image) -> int:
    """How often it plays. GIF counts the repetitions after the first time and says nothing to play once."""
    if opened.format != "GIF":
        return int(opened.info.get("loop", 0))
    repetitions = opened.info.get("loop")
    return 1 if repetitions is None else 0 if repetitions == 0 else int(repetitions) + 1


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path}: this is a folder; name the picture files in it")
    if not path.exists():
        raise InputError(f"{path}: there is no such file; check the name and the folder")
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from error
    if is_empty:
        raise InputError(f"{path}: the file is empty; copy or save it again")


def _check_size(path: Path, max_pixels: int, height: int, width: int) -> None:
    if height * width > max_pixels:
        raise InputError(_too_large_text(path, max_pixels))


def _too_large_text(path: Path, max_pixels: int) -> str:
    return f"{path}: has more than {max_pixels / 10**6:g} million pixels; reduce it or cut out the part you need"


def _unknown_format_text(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"hevc"):
        return f"{path}: HEIC files cannot be read here; save it as JPEG or PNG"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return f"{path}: reading AVIF needs Pillow 11.3 or newer; update it, or save the picture as PNG"
    return f"{path}: not a picture, damaged, or of an unknown format; save it as PNG or JPEG"


@contextmanager
def _raised_pixel_limit() -> Iterator[None]:
    """Pillow refuses pictures above a limit that large cameras exceed. Raised while somebody reads, then put back."""
    global _limit_users, _limit_before
    with _limit_lock:
        if _limit_users == 0:
            _limit_before = Image.MAX_IMAGE_PIXELS
            Image.MAX_IMAGE_PIXELS = MAX_PIXELS
        _limit_users += 1
    try:
        yield
    finally:
        with _limit_lock:
            _limit_users -= 1
            if _limit_users == 0:
                Image.MAX_IMAGE_PIXELS = _limit_before
