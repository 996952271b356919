"""Guard the decoders against untrusted files: size limits, and errors that name the file."""

import io
import re
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageFile, PngImagePlugin, UnidentifiedImageError

from ..errors import InputError, VqfrError, is_out_of_memory, printable, reason
from .formats import refusal

MAX_PIXELS = 500_000_000
"""Larger pictures are refused: a pixel takes 12 bytes or more in memory."""
MAX_FRAMES = 100_000
"""An hour of film at 25 frames a second has fewer. A frame may take 15 bytes in a file."""
_MOST_SCANS = 100
"""Encoders make about ten; each goes over all pixels again, and may take a hundred bytes in a file."""

MAX_TEXT_BYTES = 1 << 26
"""What one packed text or profile of a PNG may unpack to. ComfyUI's workflows and printers' profiles take megabytes."""

_ALWAYS_BELIEVED = 10_000_000
_MOST_PIXELS_PER_BYTE = 10_000
"""Deflate stores a picture of one bit a pixel and one colour in an 8,256th of that. WebP and AVIF need even less for
one colour alone: such a huge blank picture is refused, too."""

_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
"""Of a JPEG's segments, not those within compressed numbers."""
_END = b"\xd9"

_limit_lock = threading.Lock()
_limit_users = 0
_limits_before: tuple[int | None, int] = (None, 0)


class WholeFile(io.BufferedReader):
    """A file of which no more is asked for than it has: decoders believe lengths, and memory is taken for them."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._size = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        most = max(0, self._size - self.tell())
        return super().read(most if size is None or size < 0 else min(size, most))


def check_file(path: Path) -> None:
    """Raise InputError for a path that is missing, a folder, empty or not readable."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{path}: no such file; check the name and the folder") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be opened ({reason(error)}); check the name and the permissions") from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: this is a folder; name the picture files in it")
    if not stat.S_ISREG(mode):  # a pipe or device, which may never end
        raise InputError(f"{path}: this is not a regular file; save the picture as one")
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from error
    if is_empty:
        raise InputError(f"{path}: the file is empty; copy or save it again")


def check_size(path: Path, num_pixels: int, max_pixels: int) -> None:
    """Raise InputError if there are more pixels than allowed."""
    if num_pixels > max_pixels:
        raise InputError(_too_large_text(path, max_pixels))


def check_frames(path: Path, num_frames: int) -> None:
    """Raise InputError if there are more frames than any film has."""
    if num_frames > MAX_FRAMES:
        raise InputError(f"{path}: has more than {MAX_FRAMES:,} frames; split it")


def check_scans(path: Path) -> None:
    """Raise InputError for a JPEG that would be decoded over and over."""
    if _num_scans(path.read_bytes()) > _MOST_SCANS:
        raise InputError(f"{path}: has more than {_MOST_SCANS} scans; save it again")


def is_followed(path: Path) -> bool:
    """Whether something comes after the image of a JPEG: a film, or another picture."""
    jpeg = path.read_bytes()
    return any(kind == _END and jpeg[end:].strip(b"\0\xff") for kind, end in _markers(jpeg))


def _num_scans(jpeg: bytes) -> int:
    return sum(kind == b"\xda" for kind, _ in _markers(jpeg))


def _markers(jpeg: bytes) -> Iterator[tuple[bytes, int]]:
    """The kind of each segment up to the end of the image, and where its data begins."""
    place = 2
    while marker := _MARKER.search(jpeg, place):
        yield marker[1], marker.end()
        if marker[1] == _END:
            return
        place = marker.end() + max(2, int.from_bytes(jpeg[marker.end() : marker.end() + 2], "big"))


def check_content(path: Path, num_pixels: int) -> None:
    """Raise InputError if the file is too small for that many pixels in a frame, however well they are compressed."""
    if num_pixels > _ALWAYS_BELIEVED and num_pixels > path.stat().st_size * _MOST_PIXELS_PER_BYTE:
        raise InputError(
            f"{path}: claims {num_pixels / 10**6:.0f} million pixels in {path.stat().st_size} bytes; "
            "it is damaged, or made to fill the memory"
        )


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Inside, any decoder error becomes an InputError that names the file, and large pictures are allowed."""
    try:
        with _raised_limits():
            yield
    except InputError as error:
        if printable(str(path)) in str(error):
            raise
        raise InputError(f"{path}: {error}") from error
    except VqfrError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(_too_large_text(path, MAX_PIXELS)) from error
    except UnidentifiedImageError as error:
        raise InputError(_unknown_format_text(path)) from error
    except NotImplementedError as error:
        raise InputError(f"{path}: of a kind that cannot be read here ({error}); save it as PNG or JPEG") from error
    except Exception as error:  # decoders have errors of every kind for what they did not expect
        if is_out_of_memory(error):
            raise
        if isinstance(error, OSError) and error.errno:
            raise InputError(f"{path}: cannot be read ({error.strerror}); check the disk") from error
        raise InputError(f"{path}: the file is damaged or cut off ({reason(error)}); copy or save it again") from error


@contextmanager
def salvaging() -> Iterator[None]:
    """Inside, Pillow reads what is left of a file that is cut off. It does so in all threads."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _too_large_text(path: Path, max_pixels: int) -> str:
    return f"{path}: has more than {max_pixels / 10**6:g} million pixels; reduce it or crop it to the part you need"


def _unknown_format_text(path: Path) -> str:
    with path.open("rb") as file:
        return f"{path}: {refusal(path, file.read(16))}"


@contextmanager
def _raised_limits() -> Iterator[None]:
    """Pillow's limits on pixels and packed text, which good files exceed. Raised during reading, then restored."""
    global _limit_users, _limits_before
    with _limit_lock:
        if _limit_users == 0:
            _limits_before = Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK
            Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = MAX_PIXELS, MAX_TEXT_BYTES
        _limit_users += 1
    try:
        yield
    finally:
        with _limit_lock:
            _limit_users -= 1
            if _limit_users == 0:
                Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = _limits_before
