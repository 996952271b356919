"""What travels between the steps.

Conventions: boxes are (x0, y0, x1, y1), points (x, y), in pixels of the image they belong to. A pixel's centre lies
at integer coordinates (the top-left pixel is centred on (0, 0)). "Left" is the viewer's left. An image is RGB,
float32, in [0, 1], shape (3, H, W).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from torch import Tensor


class Point(NamedTuple):
    x: float
    y: float


class Box(NamedTuple):
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        return max(self.width, 0.0) * max(self.height, 0.0)

    @property
    def center(self) -> Point:
        return Point((self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2)


@dataclass(frozen=True)
class FaceDetection:
    """One face found in an image."""

    box: Box
    """Where the face is, in pixels of the image."""
    landmarks: tuple[Point, ...]
    """Five points: left eye, right eye, nose tip, left and right corner of the mouth."""
    score: float
    """The detector's confidence in [0, 1]."""


@dataclass(frozen=True)
class SkippedFace:
    """A face that was found and will not be used."""

    detection: FaceDetection
    reason: str
    """A short sentence for the user, e.g. "smaller than 32 px (21 px)"."""


class Detections(NamedTuple):
    """The faces of one image, split into those to work on and those left alone."""

    faces: list[FaceDetection]
    skipped: list[SkippedFace]


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """A face turned upright and brought to the network's size."""

    detection: FaceDetection
    """The face in the image the crop was taken from."""
    image: Tensor
    """RGB float32 in [0, 1], (3, 512, 512)."""
    image_to_crop: np.ndarray
    """float64 (2, 3): maps (x, y, 1) in image pixels to (x, y) in crop pixels, pixel centres at integers."""


@dataclass(frozen=True, eq=False)
class RestoredFace:
    """A crop and what the network made of it."""

    crop: FaceCrop
    """The crop the network was given."""
    image: Tensor
    """RGB float32 in [0, 1], (3, 512, 512)."""
    mask: Tensor | None = None
    """float32 in [0, 1], (1, 512, 512), in crop pixels: where the face is to replace the image. None: not made yet."""
    opacity: float = 1.0
    """Strength of this face in the result, in [0, 1]."""
