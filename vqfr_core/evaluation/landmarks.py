"""Landmark distance (LMD): how far a face's features have moved. Lower is better.

The papers compare the 98 points of a face alignment network (AWing, trained on WFLW); here it is the five points of our
detector, RetinaFace: eyes, nose tip, corners of the mouth. The two are not comparable.
"""

from collections import deque

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import box_iou

from ..networks.base import Detector
from ..options import FindOptions
from ..pipeline.finding.find import find_faces
from ..types import Box, FaceDetection

_MIN_CONFIDENCE = 0.5
_MIN_OVERLAP = 0.3
_NUM_REMEMBERED = 16  # an original is used for each metric and each row


class FaceFinder:
    """Finds the face of an original, and the same face in a degraded or restored version."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._recent: deque[tuple[Tensor, list[FaceDetection]]] = deque(maxlen=_NUM_REMEMBERED)

    def find(self, image: Tensor) -> FaceDetection | None:
        """The face nearest to the middle, or None. image: RGB in [0, 1], (3, H, W)."""
        middle = np.array([image.shape[2] - 1, image.shape[1] - 1]) / 2
        faces = self._faces(image)
        return min(faces, key=lambda face: float(np.linalg.norm(face.box.center - middle)), default=None)

    def find_again(self, image: Tensor, face: FaceDetection) -> FaceDetection | None:
        """The face that overlaps this one most; None if none is in the same place. image: as for `find`.

        In a heavily degraded picture the detector finds false faces, whose distance would be meaningless.
        """
        best = max(self._faces(image), key=lambda other: overlap(other.box, face.box), default=None)
        return best if best is not None and overlap(best.box, face.box) >= _MIN_OVERLAP else None

    def _faces(self, image: Tensor) -> list[FaceDetection]:
        for known, faces in self._recent:
            if known is image:
                return faces
        (found,) = find_faces([image], self._detector, FindOptions(min_confidence=_MIN_CONFIDENCE))
        faces = [face.detection for face in found.used]
        self._recent.append((image, faces))
        return faces


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    return float(box_iou(torch.tensor([first]), torch.tensor([second])))


def landmark_distance(face: FaceDetection, original: FaceDetection) -> float:
    """Mean Euclidean distance in pixels of corresponding landmarks."""
    return float(np.linalg.norm(np.subtract(face.landmarks, original.landmarks), axis=1).mean())
