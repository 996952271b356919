"""What travels between the steps.

Conventions: boxes are (x0, y0, x1, y1), points (x, y), in pixels of the image they belong to. Pixel centres are at
integer coordinates (the top-left pixel is centred on (0, 0)). "Left" is the viewer's left. An image is RGB, float32, in
[0, 1], shape (3, H, W).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

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
    """A face that was found but will not be used."""

    detection: FaceDetection
    reason: str
    """A short reason for the user, e.g. "smaller than 32 px (21 px)"."""


class Detections(NamedTuple):
    """The faces of one image, split into used and skipped ones."""

    faces: list[FaceDetection]
    skipped: list[SkippedFace]


@dataclass(frozen=True, eq=False)
class FaceCrop:
    """A face cut out upright at the network's size."""

    detection: FaceDetection
    """The face in the image the crop was taken from."""
    image: Tensor
    """RGB float32 in [0, 1], (3, S, S)."""
    image_to_crop: np.ndarray
    """float64 (2, 3): maps (x, y, 1) in image pixels to (x, y) in crop pixels, pixel centres at integers."""
    factor: float = 1.0
    """Side of the view, as a multiple of what the networks see."""


@dataclass(frozen=True)
class Measures:
    """How degraded a face is, at the resolution of its crop."""

    sharpness: float
    """The part of the crop's resolution that the face fills, in [0, 1]: about 0.5 for a face enlarged twice."""
    noise: float
    """Standard deviation of the fine noise in brightness, of 255."""


@dataclass(frozen=True)
class Drift:
    """How far restoring has moved a face from its crop."""

    landmarks: float | None
    """Mean distance of the five landmarks, in parts of the distance between the eyes; None if they were not found."""
    tones: float
    """Root mean square difference of brightness over areas of 1/16 of the crop, of 255, less the common difference."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face on its way through the steps. Each step fills in its part and leaves the rest unchanged."""

    detection: FaceDetection
    """Where it is in the image."""
    number: int | None = None
    """Its rank in sort order among the candidates; None if it is not a candidate."""
    skipped: str | None = None
    """Why it is skipped, a short reason for the user; None if it is used."""
    crop: FaceCrop | None = None
    """The face cut out upright; None before `crop_faces`."""
    measures: Measures | None = None
    """Of the crop; None before `crop_faces`, or if the crop is too small."""
    restored: Tensor | None = None
    """RGB float32 in [0, 1], (3, S, S); None before `restore_faces`."""
    fidelity: float | None = None
    """The one it was restored with; None for a map or a restorer without fidelity."""
    drift: Drift | None = None
    """Of the restored face; None before `measure_drift`."""
    warning: str | None = None
    """What the user should look at in the restored face; None if nothing."""
    mask: Tensor | None = None
    """float32 in [0, 1], (1, S, S), in crop pixels; None before `finish_faces`."""
    opacity: float = 1.0
    """Strength of this face in the result, in [0, 1]."""
    detail: float = 0.0
    """How much of the image's finer detail is added to a face larger than its crop, in [0, 1]."""


@dataclass(frozen=True)
class MadeBy:
    """What the steps so far were done with, for the report."""

    detector: str = ""
    """Name of the detector, or why none ran."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """The restorer: name, generation, file, sha256, source, device, precision, fidelity; empty before it has run."""
    mask: str = "none"
    """How faces were cut out: parsing, soft, crop, or none where there was no face to cut out."""
    model_notes: tuple[str, ...] = ()
    """Those of the notes that are about the restorer; they go when another one follows."""


@dataclass(frozen=True, eq=False)
class ImageFaces:
    """One image on its way, with all faces found in it, used or not. The faces keep their positions in the list."""

    image: Tensor | None
    """RGB float32 in [0, 1], (3, H, W); None if only its faces are still needed."""
    size: tuple[int, int]
    """(height, width) of the image in pixels."""
    faces: tuple[Face, ...] = ()
    made_by: MadeBy = field(default_factory=MadeBy)
    notes: tuple[str, ...] = ()
    """Notes for the user."""
    sort: str | None = None
    """The order that the numbers follow; None before the faces have numbers."""
    is_aligned: bool = False
    """The whole image is one face, so there is nothing to blend it into."""

    @property
    def used(self) -> list[Face]:
        """The faces that are not skipped, by number."""
        return [self.faces[place] for place in self._places()]

    @property
    def left_out(self) -> list[Face]:
        """The faces that are skipped, by number; those without one come last."""
        skipped = [face for face in self.faces if face.skipped is not None]
        return sorted(skipped, key=lambda face: math.inf if face.number is None else face.number)

    def with_used(self, faces: Iterable[Face], **changes: Any) -> "ImageFaces":
        """The same with other faces instead of `used`, in its order."""
        everything = list(self.faces)
        for place, face in zip(self._places(), faces, strict=True):
            everything[place] = face
        return replace(self, faces=tuple(everything), **changes)

    @property
    def detections(self) -> "Detections":
        """The same as plain detections: those used, by number, and those skipped."""
        skipped = [SkippedFace(face.detection, face.skipped or "") for face in self.left_out]
        return Detections([face.detection for face in self.used], skipped)

    def _places(self) -> list[int]:
        places = [place for place, face in enumerate(self.faces) if face.skipped is None]
        numbers = [face.number for face in self.faces]
        return sorted(places, key=lambda place: -1 if numbers[place] is None else numbers[place] or 0)


def all_used(images: Iterable[ImageFaces]) -> list[Face]:
    """The used faces of all images, in order."""
    return [face for entry in images for face in entry.used]


def with_all_used(images: Sequence[ImageFaces], faces: Iterable[Face]) -> list[ImageFaces]:
    """The images with other faces instead of `all_used`, in its order."""
    rest: Iterator[Face] = iter(faces)
    return [entry.with_used([next(rest) for _ in entry.used]) for entry in images]


@dataclass(frozen=True, eq=False)
class RestoredFace:
    """A crop and the network's result."""

    crop: FaceCrop
    """The crop the network was given."""
    image: Tensor
    """RGB float32 in [0, 1], (3, S, S)."""
    mask: Tensor | None = None
    """float32 in [0, 1], (1, S, S), in crop pixels: where the face replaces the image; None if not made yet."""
    opacity: float = 1.0
    """Strength of this face in the result, in [0, 1]."""
