"""An animation for Pillow to write without holding all its frames: each is made when the writer reaches it."""

from collections.abc import Iterator
from typing import Any, SupportsIndex

from PIL import Image


class FrameSequence(Image.Image):
    """An animated Pillow image that holds one still at a time.

    Pillow's writers seek each frame in order and then use its pixels. The PNG writer first goes through all frames for
    their modes and sizes, so accessing pixels makes a frame, not seeking.
    """

    is_animated = True

    def __init__(self, stills: Iterator[Image.Image], num_frames: int) -> None:
        """stills: `num_frames` of one mode and size."""
        super().__init__()
        self.n_frames = num_frames
        self._stills = stills
        self._num_made = 0
        self._number = 0
        self._make_next()

    @property
    def is_transparent(self) -> bool:
        """Whether the still it holds has transparent pixels, or may have."""
        return self.mode.endswith("A") or "transparency" in self.info

    def tell(self) -> int:
        return self._number

    def seek(self, frame: int) -> None:
        if not 0 <= frame < self.n_frames:
            raise EOFError("no such frame")
        self._number = frame

    def load(self) -> Any:
        while self._num_made <= self._number:
            self._make_next()
        if self._num_made != self._number + 1:
            raise RuntimeError(f"frame {self._number} is gone: frames are made once and in order")
        return super().load()

    def _make_next(self) -> None:
        vars(self)["_im" if "_im" in vars(self) else "im"] = None  # free the old still before making the new one
        vars(self).update(vars(next(self._stills)))
        self._num_made += 1


class Durations(list[int]):
    """Of the frames made so far, in milliseconds. Asking for one makes its frame, because AVIF's writer asks first."""

    sequence: FrameSequence | None = None

    def __getitem__(self, index: SupportsIndex) -> int:  # type: ignore[override]  # no writer asks for a slice
        if self.sequence is not None:
            self.sequence.load()
        return super().__getitem__(index)
