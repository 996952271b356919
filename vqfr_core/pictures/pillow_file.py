"""Reading by Pillow: every format but TIFF. OpenCV reads the pixels of PNGs with 16 bits a channel."""

from pathlib import Path
from typing import Any

from PIL import Image

from .convert import Kind, kind_of_pil, pixels_from_pil
from .exif import orient, take_orientation
from .guard import check_size
from .picture import Frame, PictureInfo
from .picture_file import PictureFile
from .png16 import is_png16, kind_of_png16, read_png16

_ANIMATED_FORMATS = ("PNG", "GIF", "WEBP", "AVIF")


class PillowFile(PictureFile):
    """See `PictureFile`."""

    def __init__(self, path: Path, head: bytes, max_frame_pixels: int, max_pixels: int | None) -> None:
        """head: the file's first bytes. Raises InputError if it has too many pixels, and Pillow's errors."""
        self.path = path
        self._opened: Image.Image = Image.open(path)
        try:
            self._read_facts(head, max_frame_pixels, max_pixels)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._opened.close()

    def _read_facts(self, head: bytes, max_frame_pixels: int, max_pixels: int | None) -> None:
        opened = self._opened
        self.num_frames = getattr(opened, "n_frames", 1) if opened.format in _ANIMATED_FORMATS else 1
        self.num_pixels = opened.height * opened.width * self.num_frames
        check_size(self.path, self.num_pixels // self.num_frames, max_frame_pixels)
        check_size(self.path, self.num_pixels, self.num_pixels if max_pixels is None else max_pixels)
        # An APNG may begin with a still that is only for programs without animation.
        self._first = 1 if self.num_frames > 1 and opened.info.get("default_image") else 0
        self.num_frames -= self._first
        self._orientation, exif = _exif(opened)
        self._is_png16 = self.num_frames == 1 and is_png16(head)
        kinds = [kind_of_png16(head, opened.info)] if self._is_png16 else self._kinds()
        turned = self._orientation >= 5
        self.size = (opened.width, opened.height) if turned else (opened.height, opened.width)
        info = PictureInfo(
            icc_profile=_profile(opened),
            exif=exif,
            text=_text(opened),
            dpi=_dpi(opened, turned),
            loop=_loop(opened),
            source_format="JPEG" if opened.format == "MPO" else opened.format,
        )
        self._take_kinds(info, kinds)

    def _kinds(self) -> list[Kind]:
        """In a GIF each frame may differ, known only when decoded; other formats store all frames alike."""
        if self._opened.format == "GIF":
            kinds = set()
            for number in range(self.num_frames):
                self._opened.seek(number)
                self._opened.load()
                kinds.add(kind_of_pil(self._opened))
            return list(kinds)
        self._opened.seek(self._first)
        self._opened.load()
        return [kind_of_pil(self._opened)]

    def _decode(self, number: int) -> Frame:
        self._opened.seek(self._first + number)
        self._opened.load()
        if self._is_png16:
            pixels = read_png16(self.path, self._opened.info.get("transparency"))
        else:
            pixels = pixels_from_pil(self._opened)
        return Frame(
            orient(pixels.image, self._orientation),
            None if pixels.alpha is None else orient(pixels.alpha, self._orientation),
            self._opened.info.get("duration") if self.num_frames > 1 else None,
        )


def _exif(opened: Image.Image) -> tuple[int, bytes | None]:
    block = opened.info.get("exif")
    if not block and "Raw profile type exif" in opened.info:  # how ImageMagick puts EXIF into a PNG
        block = opened.getexif().tobytes()
    return take_orientation(block) if block else (1, None)


def _profile(opened: Image.Image) -> bytes | None:
    """The embedded profile if it fits the pixels as we hold them, i.e. is neither CMYK nor Lab."""
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
