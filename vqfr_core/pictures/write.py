"""Write pictures atomically, as deep, transparent and animated as the format allows."""

import dataclasses
import math
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch

from ..atomic import whole_file
from ..errors import InputError, VqfrError, printable, reason
from .fitting import fit_info
from .formats import FORMATS, WRITABLE_SUFFIXES, Format, format_of, stored_depth, suffixes_of
from .losses import tell_loss
from .picture import Frame, Picture, PictureInfo

__all__ = ["WRITABLE_SUFFIXES", "write_frames", "write_picture"]


def write_picture(picture: Picture, path: str | Path, *, quality: int = 95) -> None:
    """Write the picture to a file; see `write_frames`."""
    frames: tuple[Frame, ...] = picture.frames
    if any(frame.alpha is not None for frame in frames):
        frames = tuple(
            frame if frame.alpha is not None else dataclasses.replace(frame, alpha=torch.ones_like(frame.image[:1]))
            for frame in frames
        )
    write_frames(frames, path, picture, num_frames=len(frames), quality=quality)


def write_frames(
    frames: Iterable[Frame],
    path: str | Path,
    info: PictureInfo | Callable[[], PictureInfo],
    *,
    num_frames: int,
    quality: int = 95,
) -> None:
    """Write frames to a file as they come, in the format of its suffix (WRITABLE_SUFFIXES).

    The depth is kept if the format allows: 16 bits in PNG and TIFF, floating point in TIFF; else it becomes the next
    lower one, rounded half to even. Pixels that were read and not changed come back exactly in PNG, TIFF and BMP. Grey
    stays grey. Transparency is kept, or composited over white in JPEG and BMP. Animations stay animated in PNG, GIF and
    WebP (and AVIF), at 8 bits; frames without durations are the pages of a TIFF; other formats refuse more than one
    frame. Profile, EXIF, resolution and text are written if the format has them.

    frames: pulled one at a time; only 8-bit copies of them wait in the writers of GIF and PNG. In an animation all or
    none have an alpha. info: the metadata, or a function that is asked for it when the first frame is made.
    num_frames: how many there are.
    quality: 1 to 100 for JPEG (never with reduced colours), WebP (100: lossless) and AVIF.
    The file appears complete or not at all: it is written to a temporary file and then renamed.
    Raises InputError for an unknown suffix, a picture the format cannot hold, or a file that cannot be written; and
    whatever `frames` raises.
    """
    path = Path(path)
    format = _format_of(path)
    if num_frames > 1 and not (format.animation or format.pages):
        raise InputError(_no_animation_text(path, format))
    if not 1 <= quality <= 100:
        raise InputError(f"quality is {quality}; use 1 to 100")
    _check_place(path)
    source = _Source(frames, num_frames, _checker(path, format, num_frames))
    try:
        with whole_file(path) as file:
            size = source.peek_size()
            known = info if isinstance(info, PictureInfo) else info()
            known = fit_info(known, format, *size)
            format.write(file, source, known, format, num_frames, quality)
            next(source, None)  # there are no more frames; this runs the caller's generator to its end
    except (OSError, ValueError, struct.error) as error:
        if error is source.error or (isinstance(error, VqfrError) and printable(str(path)) in str(error)):
            raise
        if isinstance(error, VqfrError):
            raise InputError(f"{path}: {error}") from error
        raise InputError(
            f"{path}: cannot be written ({reason(error)}); check the folder, its permissions and space"
        ) from error
    for loss in (*known.losses, *_homeless(known, format)):
        tell_loss(f"{path}: {loss} was left out")
    for loss in _coarsened(known, format, source.has_alpha):
        tell_loss(loss)
    if format.is_lossy and not (format.name == "WEBP" and (known.is_lossless or quality == 100)):
        text = f"{format.name} stores with loss (quality {quality}): unchanged parts change slightly, too"
        tell_loss(text, is_usual=True)


class _Source(Iterator[Frame]):
    """The caller's frames, counted. Errors in making one are remembered, because they are not about the file."""

    def __init__(self, frames: Iterable[Frame], num_frames: int, check: Callable[[Frame], Frame]) -> None:
        self._frames = iter(frames)
        self._num_frames = num_frames
        self._num_pulled = 0
        self._check = check
        self._peeked: Frame | None = None
        self.has_alpha = False
        self.error: BaseException | None = None

    def peek_size(self) -> tuple[int, int]:
        """(height, width) of the first frame."""
        self._peeked = next(self)
        height, width = self._peeked.image.shape[1:]
        return height, width

    def __next__(self) -> Frame:
        if self._peeked is not None:
            peeked, self._peeked = self._peeked, None
            return peeked
        try:
            return self._counted(self._check(next(self._frames)))
        except StopIteration:
            if self._num_pulled < self._num_frames:
                raise InputError(
                    f"there are {self._num_pulled} frames, but {self._num_frames} were announced"
                ) from None
            raise
        except BaseException as error:
            self.error = error
            raise

    def _counted(self, frame: Frame) -> Frame:
        self._num_pulled += 1
        self.has_alpha |= frame.alpha is not None
        if self._num_pulled > self._num_frames:
            raise InputError(f"there are more frames than the {self._num_frames} that were announced")
        return frame


def _homeless(info: PictureInfo, format: Format) -> list[str]:
    """What the format has no place for, in words."""
    blocks = {
        "icc_profile": ("its colour profile", info.icc_profile),
        "exif": ("its EXIF block", info.exif),
        "xmp": ("its XMP", info.xmp),
        "iptc": ("its IPTC records", info.iptc),
        "dpi": ("its resolution", info.dpi),
        "color_chunks": ("its colour space (PNG's gAMA, cHRM or cICP)", set(info.color_chunks) - {b"sRGB"}),
        "text": ("its text entries", set(info.text) - ({"comment"} if "comment" in format.carries else set())),
    }
    return [words for name, (words, block) in blocks.items() if block and name not in format.carries]


def _coarsened(info: PictureInfo, format: Format, has_alpha: bool) -> list[str]:
    """What the format does to pixels, in sentences."""
    depth = stored_depth(format, info.bit_depth)
    losses = [f"{format.name} has {depth} bits a channel; the picture had {info.bit_depth}"]
    losses = losses if depth < info.bit_depth else []
    if has_alpha and not format.alpha:
        losses.append(f"{format.name} has no transparency; the picture was put on white")
    return losses


def _format_of(path: Path) -> Format:
    format = format_of(path.suffix)
    if format is None or not format.writable:
        raise InputError(f"{path}: unknown suffix {path.suffix!r}; use one of {', '.join(WRITABLE_SUFFIXES)}")
    return format


def _check_place(path: Path) -> None:
    parent = Path(os.path.realpath(path)).parent
    if not parent.is_dir():
        raise InputError(f"{path}: the folder {parent} does not exist; make it first")
    if path.is_dir():
        raise InputError(f"{path}: a folder has this name; choose another")


def _checker(path: Path, format: Format, num_frames: int) -> Callable[[Frame], Frame]:
    """A function that returns a frame if the format can hold it after the previous ones; else InputError."""
    kinds: set[tuple[tuple[int, ...], bool]] = set()

    def check(frame: Frame) -> Frame:
        _check_frame(frame, path, format)
        if num_frames > 1 and not format.animation and frame.duration_ms is not None:
            raise InputError(_no_animation_text(path, format))
        kinds.add((tuple(frame.image.shape), frame.alpha is not None))
        if len(kinds) > 1 and not format.pages:
            if len({shape for shape, _ in kinds}) > 1:
                raise InputError(f"{path}: the frames of the animation differ in size; make them equal")
            raise InputError(f"{path}: only some frames of the animation have an alpha; all or none must have it")
        return frame

    return check


def _check_frame(frame: Frame, path: Path, format: Format) -> None:
    side = max(frame.image.shape[1:])
    if side > format.max_side_px:
        raise InputError(f"{path}: {format.name} holds at most {format.max_side_px} px a side, not {side}; use .png")
    low, high = (float(value) for value in torch.aminmax(frame.image))
    if not math.isfinite(high - low):
        raise InputError(f"{path}: the picture to write has values that are not numbers (NaN)")


def _no_animation_text(path: Path, format: Format) -> str:
    able = suffixes_of(format for format in FORMATS if format.animation)
    paged = suffixes_of(format for format in FORMATS if format.pages)
    pages = "" if format.pages else f", or for pages one of {paged}"
    return f"{path}: {format.name} cannot hold an animation; use one of {able}{pages}"
