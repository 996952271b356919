"""A second look at each face, upright and at the size the detector reads best.

In a photograph reduced for detection a face may be 40 px wide, where landmarks are off by a few percent of the face
and confidence is low, or 600 px, where it is hardly better. At 130 px, upright, landmarks are at their best, small
faces are recognised surely, and most of what only looked like a face is not. Such a look is cheap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ...networks.retinaface import DetectorNetwork, RawFaces, find_candidates
from ...types import FaceDetection, Point
from ..affine import invert_affine, resize_affine, transform_points, warp_affine
from ..align import FFHQ_TEMPLATE, estimate_image_to_crop

_LOOK_PX = 320  # an aligned crop of this size shows a face about 130 px wide
_BATCH = 16
_MIN_SCORE = 0.05
_MAX_CORRECTION = 0.1  # of the crop's side; further away it is another face


def look_again(
    images: Sequence[Tensor], faces: Sequence[tuple[int, FaceDetection]], detector: DetectorNetwork
) -> list[FaceDetection]:
    """The same faces with exacter landmarks, and the mean of both looks' confidence as score.

    What is not found again keeps its landmarks; its second confidence counts as 0.

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
    # What lies outside is the edge's colour: mirrored, the face itself could show up twice.
    return warp_affine(image, invert_affine(image_to_look), (_LOOK_PX, _LOOK_PX), padding="border")


def _corrected(face: FaceDetection, image_to_look: np.ndarray, candidates: RawFaces) -> FaceDetection:
    template = transform_points(FFHQ_TEMPLATE, resize_affine((512, 512), (_LOOK_PX, _LOOK_PX)))
    distances = np.linalg.norm(candidates.landmarks - template, axis=2).mean(axis=1)
    near = candidates.take(distances <= _MAX_CORRECTION * _LOOK_PX)
    if not near.scores.size:
        return replace(face, score=face.score / 2)
    best = int(near.scores.argmax())
    landmarks = transform_points(near.landmarks[best], invert_affine(image_to_look))
    return replace(
        face,
        landmarks=tuple(Point(float(x), float(y)) for x, y in landmarks),
        score=(face.score + float(near.scores[best])) / 2,
    )
