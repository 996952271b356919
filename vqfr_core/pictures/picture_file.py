"""A picture file read frame by frame: metadata first, then pixels, one frame at a time."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import torch

from .convert import Kind
from .formats import format_named
from .guard import reading
from .picture import Frame, PictureInfo


class PictureFile(ABC):
    """An open picture file; use it as a context, or close it. Not thread-safe.

    A photograph is one frame, an animation and a TIFF of several pages are many.
    """

    path: Path
    info: PictureInfo
    """Its metadata."""
    num_frames: int
    size: tuple[int, int]
    """(height, width) of the first frame in pixels, upright; only pages may differ from it."""
    num_pixels: int
    """In all frames together."""
    has_alpha: bool
    """A frame has transparency, so all get an alpha."""
    is_salvaged = False
    """The file is cut off, and this is what was left."""

    @property
    def is_paged(self) -> bool:
        """Its frames are pages, not animation frames."""
        format = format_named(self.info.source_format)
        return self.num_frames > 1 and format is not None and format.pages

    def frames(self) -> Iterator[Frame]:
        """The frames from the first, upright, each decoded on request and not kept.

        Raises InputError, naming the file, when the next one is damaged.
        """
        for number in range(self.num_frames):
            yield self.frame(number)  # no variable: it would keep the frame alive while the next is decoded

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    @abstractmethod
    def _decode(self, number: int) -> Frame:
        """Read a frame, upright. Numbers come in order, and may restart at 0."""

    def _take_kinds(self, info: PictureInfo, kinds: Sequence[Kind]) -> None:
        """Combine the frames' properties, one by one."""
        self.has_alpha = any(kind.has_alpha for kind in kinds)
        self.info = dataclasses.replace(
            info, is_gray=all(kind.is_gray for kind in kinds), bit_depth=max(kind.bit_depth for kind in kinds)
        )

    def frame(self, number: int) -> Frame:
        """One frame. Numbers come in order, and may restart at 0. Raises InputError as `frames` does."""
        with reading(self.path):
            frame = self._decode(number)
        if self.has_alpha and frame.alpha is None:
            return dataclasses.replace(frame, alpha=torch.ones_like(frame.image[:1]))
        return frame

    def __enter__(self) -> "PictureFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
