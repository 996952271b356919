"""The second look through a stand-in detector, which sees in a crop what a test puts there."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vqfr_core.networks.base import Detector, RawFaces
from vqfr_core.pipeline.affine import transform_points
from vqfr_core.pipeline.align import CROP_SIZE_PX, FFHQ_TEMPLATE, estimate_image_to_crop
from vqfr_core.pipeline.finding.second_look import look_again
from vqfr_core.types import Box, FaceDetection, Point

LOOK_PX = 64
TEMPLATE = (np.array(FFHQ_TEMPLATE) + 0.5) * LOOK_PX / CROP_SIZE_PX - 0.5


class Seer(Detector):
    """Sees faces whose landmarks are off the template by the given pixels, with the given scores."""

    stride_px, look_px, min_view_px, max_face_px = 32, 320, 320, 400
    fill = (0.5, 0.5, 0.5)

    look_px = LOOK_PX

    def __init__(self, *seen: tuple[float, float]) -> None:
        super().__init__(nn.Identity(), "seer", "a seer")
        self.seen = seen
        self.looks: list[Tensor] = []

    def find(self, pictures: Tensor, min_score: float) -> list[RawFaces]:
        self.looks.append(pictures)
        landmarks = (
            np.stack([np.add(TEMPLATE, (shift, 0)) for shift, _ in self.seen]) if self.seen else np.zeros((0, 5, 2))
        )
        scores = np.array([score for _, score in self.seen])
        return [RawFaces(np.zeros((len(scores), 4)), landmarks, scores)] * len(pictures)


def placed(scale: float, dx: float, dy: float, score: float = 0.9) -> FaceDetection:
    points = tuple(Point(x * scale + dx, y * scale + dy) for x, y in FFHQ_TEMPLATE)
    return FaceDetection(Box(dx, dy, dx + 9, dy + 9), points, score)


FACE = placed(0.25, 30, 20)
IMAGE = torch.rand((3, 200, 220), generator=torch.Generator().manual_seed(0))


def test_landmarks_are_corrected_and_scores_averaged():
    (face,) = look_again([IMAGE], [(0, FACE)], Seer((2.0, 0.7)))
    assert face.score == pytest.approx(0.8) and face.box == FACE.box
    moved = np.array(face.landmarks) - np.array(FACE.landmarks)
    np.testing.assert_allclose(moved, [[2.0 * 512 * 0.25 / LOOK_PX, 0]] * 5, atol=1e-6)


def test_what_is_not_seen_again_keeps_its_landmarks_and_half_its_score():
    for seer in (Seer(), Seer((0.11 * LOOK_PX, 0.99))):  # nothing, or another face
        (face,) = look_again([IMAGE], [(0, FACE)], seer)
        assert face.landmarks == FACE.landmarks and face.score == 0.45


def test_the_best_of_those_near_is_taken():
    (face,) = look_again([IMAGE], [(0, FACE)], Seer((0.0, 0.3), (1.0, 0.8), (30.0, 0.99)))
    assert face.score == pytest.approx(0.85) and face.landmarks[0].x == pytest.approx(FACE.landmarks[0].x + 2.0)


def test_faces_of_all_images_are_looked_at_upright_sixteen_at_a_time():
    other = torch.zeros(3, 50, 50)
    faces = [(0, FACE)] * 10 + [(1, placed(0.05, 5, 5, 0.6))] * 8
    seer = Seer((0.0, 1.0))
    looked = look_again([IMAGE, other], faces, seer)
    assert [len(pictures) for pictures in seer.looks] == [16, 2] and seer.looks[0].shape[1:] == (3, LOOK_PX, LOOK_PX)
    assert seer.looks[1].max() == 0 and seer.looks[0][0].max() > 0
    assert [round(face.score, 3) for face in looked] == [0.95] * 10 + [0.8] * 8
    matrix = estimate_image_to_crop(FACE.landmarks, LOOK_PX)
    np.testing.assert_allclose(transform_points(FACE.landmarks, matrix), TEMPLATE, atol=1e-6)
    assert look_again([IMAGE], [], seer) == []
