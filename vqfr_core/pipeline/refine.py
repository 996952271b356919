"""A second look at each face, upright and at the size the detector reads best: its landmarks get several times exacter.

In a photograph reduced for detection a face may be 40 px wide, where landmarks are off by a few percent of the face,
or 600 px, where they are hardly better. At 130 px, upright, they are at their best, and such a look is cheap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..types import FaceDetection, Point
from .align import FFHQ_TEMPLATE, estimate_image_to_crop
from .retinaface import MEAN_RGB, DetectorNetwork, RawFaces, find_candidates
from .warp import invert_affine, resize_affine, transform_points, warp_affine

_LOOK_PX = 320  # an aligned crop of this size shows a face about 130 px wide
_BATCH = 16
_MIN_SCORE = 0.3
_MAX_CORRECTION = 0.1  # of the crop's side; further away it is another face


def refine_landmarks(
    images: Sequence[Tensor], faces: Sequence[tuple[int, FaceDetection]], detector: DetectorNetwork
) -> list[FaceDetection]:
    """The same faces with exacter landmarks; a face that is not found again stays as it was.

    Args:
        images: RGB in [0, 1], (3, H, W) each.
        faces: index of the image and a face in it, whose landmarks form a face (`estimate_image_to_crop`).
        detector: the network.
    """
    refined: list[FaceDetection] = []
    for batch in _batches(faces):
        matrices = [estimate_image_to_crop(face.landmarks, _LOOK_PX) for _, face in batch]
        looks = [_look(images[index], matrix) for (index, _), matrix in zip(batch, matrices, strict=True)]
        found = find_candidates(detector, torch.stack(looks), _MIN_SCORE)
        for (_, face), matrix, candidates in zip(batch, matrices, found, strict=True):
            refined.append(_corrected(face, matrix, candidates))
    return refined


def _batches(faces: Sequence[tuple[int, FaceDetection]]) -> Iterator[Sequence[tuple[int, FaceDetection]]]:
    for start in range(0, len(faces), _BATCH):
        yield faces[start : start + _BATCH]


def _look(image: Tensor, image_to_look: np.ndarray) -> Tensor:
    # What lies outside the image is the detector's "nothing": mirrored, it could show the face twice.
    mean = torch.tensor(MEAN_RGB, dtype=image.dtype, device=image.device).view(3, 1, 1)
    looks_at = invert_affine(image_to_look)
    picture = warp_affine(image, looks_at, (_LOOK_PX, _LOOK_PX), padding="border")
    inside = warp_affine(_presence(image), looks_at, (_LOOK_PX, _LOOK_PX), antialias=False)
    return (picture - mean) * inside + mean


def _presence(image: Tensor) -> Tensor:
    """(1, H, W) of ones that takes no memory."""
    return image.new_ones((1, 1, 1)).expand(1, *image.shape[-2:])


def _corrected(face: FaceDetection, image_to_look: np.ndarray, candidates: RawFaces) -> FaceDetection:
    template = transform_points(FFHQ_TEMPLATE, resize_affine((512, 512), (_LOOK_PX, _LOOK_PX)))
    distances = np.linalg.norm(candidates.landmarks - template, axis=2).mean(axis=1)
    near = candidates.take(distances <= _MAX_CORRECTION * _LOOK_PX)
    if not near.scores.size:
        return face
    best = near.landmarks[int(near.scores.argmax())]
    landmarks = transform_points(best, invert_affine(image_to_look))
    return replace(face, landmarks=tuple(Point(float(x), float(y)) for x, y in landmarks))
