"""Landmark distance (LMD): how far a face's features have moved. Lower is better.

The papers compare the 98 points of a face alignment network (AWing, trained on WFLW); here it is the five points of our
detector, RetinaFace: eyes, nose tip, corners of the mouth. The numbers of the two are not comparable.
"""

from collections import deque

import numpy as np
from torch import Tensor

from ..pipeline.detect import detect_faces
from ..pipeline.retinaface import DetectorNetwork

_MIN_CONFIDENCE = 0.5
_NUM_REMEMBERED = 16  # an original is looked at for each metric and each row


class LandmarkFinder:
    """Finds the five landmarks of the face nearest to the middle of an image."""

    def __init__(self, detector: DetectorNetwork) -> None:
        self._detector = detector
        self._recent: deque[tuple[Tensor, np.ndarray | None]] = deque(maxlen=_NUM_REMEMBERED)

    def __call__(self, image: Tensor) -> np.ndarray | None:
        """float64 (5, 2), (x, y) in pixels; None when no face is found. image: RGB in [0, 1], (3, H, W)."""
        for known, landmarks in self._recent:
            if known is image:
                return landmarks
        landmarks = self._find(image)
        self._recent.append((image, landmarks))
        return landmarks

    def _find(self, image: Tensor) -> np.ndarray | None:
        (found,) = detect_faces([image], self._detector, min_confidence=_MIN_CONFIDENCE)
        if not found.faces:
            return None
        middle = np.array([image.shape[2] - 1, image.shape[1] - 1]) / 2
        nearest = min(found.faces, key=lambda face: float(np.linalg.norm(np.array(face.box.center) - middle)))
        return np.array(nearest.landmarks)


def landmark_distance(points: np.ndarray, original: np.ndarray) -> float:
    """Mean Euclidean distance in pixels of corresponding points, (N, 2) each."""
    return float(np.linalg.norm(points - original, axis=1).mean())
