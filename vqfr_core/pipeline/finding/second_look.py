"""A second look at each face, upright and at the size the detector reads best.

In a photograph reduced for detection a face may be 40 px wide, where landmarks are off by a few percent of the face and
confidence is low, or 600 px, where it is hardly better. At the best size, upright, landmarks are most accurate, small
faces are recognised reliably, and most false ones are not. Such a look is cheap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...networks.base import Detector, RawFaces
from ...types import FaceDetection, Point
from ..affine import invert_affine, resize_affine, transform_points, warp_affine
from ..align import CROP_SIZE_PX, FFHQ_TEMPLATE, estimate_image_to_crop

_BATCH = 16
_MIN_SCORE = 0.05
_MAX_CORRECTION = 0.1  # of the crop's side; further away it is another face


def look_again(
    images: Sequence[Tensor], faces: Sequence[tuple[int, FaceDetection]], detector: Detector
) -> list[FaceDetection]:
    """The same faces with more accurate landmarks, and the mean of both looks' confidence as score.

    A face not found again keeps its landmarks; its second confidence counts as 0.

    Args:
        images: RGB in [0, 1], (3, H, W) each.
        faces: index of the image and a face in it, whose landmarks form a face (`estimate_image_to_crop`).
        detector: the network.
    """
    refined: list[FaceDetection] = []
    for batch in _batches(faces):
        side = detector.look_px
        matrices = [estimate_image_to_crop(face.landmarks, side) for _, face in batch]
        looks = [_look(images[index], matrix, side) for (index, _), matrix in zip(batch, matrices, strict=True)]
        found = detector.find(torch.stack(looks), _MIN_SCORE)
        for (_, face), matrix, candidates in zip(batch, matrices, found, strict=True):
            refined.append(_corrected(face, matrix, candidates, side))
    return refined


def find_in_crops(crops: Tensor, detector: Detector) -> list[np.ndarray | None]:
    """The landmarks of the face in each aligned crop, float64 (5, 2) in crop pixels; None where it is not recognised.

    crops: (B, 3, S, S), RGB in [0, 1].
    """
    side, crop_px = detector.look_px, crops.shape[-1]
    looks = F.interpolate(crops.float(), (side, side), mode="bilinear", antialias=True)
    to_crop = resize_affine((side, side), (crop_px, crop_px))
    seen = [_upright_face(candidates, side) for candidates in detector.find(looks, _MIN_SCORE)]
    return [transform_points(own.landmarks[0], to_crop) if own.scores.size else None for own in seen]


def _batches(faces: Sequence[tuple[int, FaceDetection]]) -> Iterator[Sequence[tuple[int, FaceDetection]]]:
    for start in range(0, len(faces), _BATCH):
        yield faces[start : start + _BATCH]


def _look(image: Tensor, image_to_look: np.ndarray, side_px: int) -> Tensor:
    # The outside gets the edge's colour: mirrored, the face itself could appear twice.
    return warp_affine(image, invert_affine(image_to_look), (side_px, side_px), padding="border")


def _corrected(face: FaceDetection, image_to_look: np.ndarray, candidates: RawFaces, side_px: int) -> FaceDetection:
    seen = _upright_face(candidates, side_px)
    if not seen.scores.size:
        return replace(face, score=face.score / 2)
    landmarks = transform_points(seen.landmarks[0], invert_affine(image_to_look))
    return replace(
        face,
        landmarks=tuple(Point(float(x), float(y)) for x, y in landmarks),
        score=(face.score + float(seen.scores[0])) / 2,
    )


def _upright_face(candidates: RawFaces, side_px: int) -> RawFaces:
    """The most confident of those about where an aligned crop has its face; empty if there is none."""
    template = transform_points(FFHQ_TEMPLATE, resize_affine((CROP_SIZE_PX, CROP_SIZE_PX), (side_px, side_px)))
    distances = np.linalg.norm(candidates.landmarks - template, axis=2).mean(axis=1)
    near = candidates.take(distances <= _MAX_CORRECTION * side_px)
    return near.take(near.scores.argsort()[-1:])
