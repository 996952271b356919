"""Reading by Pillow: every format but TIFF. OpenCV reads the pixels of PNGs with 16 bits a channel."""

import io
from pathlib import Path

from PIL import Image

from .convert import Kind, kind_of_pil, pixels_from_pil
from .exif import orient
from .formats import format_named, pillow_formats
from .gif_palette import colors_of
from .guard import WholeFile, check_content, check_frames, check_scans, check_size, salvaging
from .picture import Frame
from .picture_file import PictureFile
from .pillow_metadata import read_metadata
from .png16 import is_png16, kind_of_png16, read_png16

_END_OF_JPEG = b"\xff\xd9"


class PillowFile(PictureFile):
    """See `PictureFile`."""

    def __init__(self, path: Path, head: bytes, max_frame_pixels: int, max_pixels: int | None) -> None:
        """head: the file's first bytes. Raises InputError if it has too many pixels, and Pillow's errors."""
        self.path = path
        self._opened: Image.Image = self._open()
        try:
            self._read_facts(head, max_frame_pixels, max_pixels)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._opened.close()

    def _open(self) -> Image.Image:
        return Image.open(WholeFile(self.path), formats=pillow_formats())

    def _read_facts(self, head: bytes, max_frame_pixels: int, max_pixels: int | None) -> None:
        opened = self._opened
        format = format_named(opened.format)
        self.num_frames = getattr(opened, "n_frames", 1) if format is not None and format.animation else 1
        self._max_frame_pixels = max_frame_pixels
        self.num_pixels = opened.height * opened.width * self.num_frames
        check_frames(self.path, self.num_frames)
        check_size(self.path, self.num_pixels // self.num_frames, max_frame_pixels)
        check_content(self.path, self.num_pixels // self.num_frames)
        if opened.format in ("JPEG", "MPO"):
            check_scans(self.path)
        check_size(self.path, self.num_pixels, self.num_pixels if max_pixels is None else max_pixels)
        # An APNG may begin with a still that is only for programs without animation.
        self._first = 1 if self.num_frames > 1 and opened.info.get("default_image") else 0
        self.num_frames -= self._first
        self._is_png16 = self.num_frames == 1 and is_png16(head) and not self.is_salvaged
        kinds = self._kinds()  # loads the pixels, behind which a PNG may have metadata
        if self._is_png16:
            kinds = [kind_of_png16(head, opened.info)]
        self._orientation, info = read_metadata(self.path, opened, max(kind.bit_depth for kind in kinds))
        turned = self._orientation >= 5
        self.size = (opened.width, opened.height) if turned else (opened.height, opened.width)
        self._take_kinds(info, kinds)

    def _kinds(self) -> list[Kind]:
        """In a GIF each frame may differ, known only when decoded; other formats store all frames alike."""
        if self._opened.format == "GIF":
            kinds = set()
            for number in range(self.num_frames):
                self._load(number)
                kinds.add(kind_of_pil(self._opened))
            return list(kinds)
        self._load(self._first)
        return [kind_of_pil(self._opened)]

    def _load(self, number: int) -> None:
        """A frame of a GIF may be larger than those before."""
        self._opened.seek(number)
        num_pixels = self._opened.width * self._opened.height
        check_size(self.path, num_pixels, self._max_frame_pixels)
        check_content(self.path, num_pixels)
        self._opened.load()

    def _decode(self, number: int) -> Frame:
        self._load(self._first + number)
        if self._is_png16:
            pixels = read_png16(self.path, self._opened.info.get("transparency"))
        else:
            pixels = pixels_from_pil(self._opened)
        return Frame(
            orient(pixels.image, self._orientation),
            None if pixels.alpha is None else orient(pixels.alpha, self._orientation),
            self._opened.info.get("duration") if self.num_frames > 1 else None,
            colors_of(self._opened) if self._opened.format == "GIF" else None,
        )


class SalvagedFile(PillowFile):
    """What is left of a JPEG or PNG that is cut off; the rest is black or grey. Of 16-bit colours 8 bits are read."""

    is_salvaged = True

    def _open(self) -> Image.Image:
        # A progressive JPEG is decoded at its end only, so it gets one.
        content = io.BytesIO(self.path.read_bytes() + _END_OF_JPEG)
        return Image.open(content, formats=pillow_formats())

    def _read_facts(self, head: bytes, max_frame_pixels: int, max_pixels: int | None) -> None:
        with salvaging():
            super()._read_facts(head, max_frame_pixels, max_pixels)
