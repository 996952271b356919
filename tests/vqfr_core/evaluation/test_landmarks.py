import numpy as np
import pytest
import torch

from vqfr_core.evaluation.landmarks import FaceFinder, landmark_distance, overlap
from vqfr_core.pipeline.affine import warp_affine
from vqfr_core.types import Box, FaceDetection, Point
from vqfr_core.weights.store import WeightStore

BOX = Box(0, 0, 10, 10)


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder(WeightStore().open("detector", "retinaface_mobile0.25", "cpu"))


def face_at(*points: tuple[float, float], box: Box = BOX) -> FaceDetection:
    return FaceDetection(box, tuple(Point(*point) for point in points), 1.0)


def test_landmark_distance_by_hand():
    still = face_at(*[(0.0, 0.0)] * 5)
    assert landmark_distance(face_at((3.0, 4.0), *[(0.0, 0.0)] * 4), still) == pytest.approx(1.0)
    assert landmark_distance(face_at(*[(3.0, 4.0)] * 5), still) == pytest.approx(5.0)


def test_overlap_by_hand():
    assert overlap(Box(0, 0, 2, 2), Box(1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap(Box(0, 0, 2, 2), Box(2, 2, 3, 3)) == overlap(Box(0, 0, 1, 1), Box(-3, -3, -2, -2)) == 0


def test_a_shifted_face_has_shifted_landmarks(finder, photo):
    before = finder.find(photo)
    shifted = warp_affine(photo, np.array([[1.0, 0, -6], [0, 1.0, -8]]), tuple(photo.shape[1:]), padding="reflect")
    assert landmark_distance(finder.find_again(shifted, before), before) == pytest.approx(10.0, abs=1.0)


def test_no_face_no_landmarks(finder):
    assert finder.find(torch.full((3, 64, 64), 0.5)) is None


def test_a_face_elsewhere_is_another_one(finder, photo):
    elsewhere = face_at(*[(0.0, 0.0)] * 5, box=Box(0, 0, 4, 4))
    assert finder.find_again(photo, elsewhere) is None
