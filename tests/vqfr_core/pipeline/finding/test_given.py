import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from vqfr_core.errors import Cancelled, InputError
from vqfr_core.networks.base import Detector
from vqfr_core.options import SelectOptions
from vqfr_core.pipeline.align import FFHQ_TEMPLATE, estimate_image_to_crop
from vqfr_core.pipeline.finding.find import find_faces
from vqfr_core.pipeline.finding.given import faces_in_boxes, given_faces, guess_faces
from vqfr_core.pipeline.finding.select import select_faces
from vqfr_core.types import Box, FaceDetection, Point

FACE = FaceDetection(Box(0, 0, 10, 10), (Point(1, 1),) * 5, 0.5)


def test_given_faces_are_taken_as_they_are_and_in_their_order():
    images = [torch.zeros(3, 20, 30), torch.zeros(3, 40, 40)]
    other = replace(FACE, score=0.1)
    first, second = given_faces(images, [[other, FACE, FACE], []])
    assert [face.detection for face in first.faces] == [other, FACE, FACE]
    assert all(face.number is None and face.skipped is None for face in first.faces)
    assert first.size == (20, 30) and first.image is images[0] and second.faces == ()
    assert first.made_by.detector == "none: the faces were given"


def test_given_faces_have_to_fit_the_images():
    with pytest.raises(InputError, match="faces were given for 2 images, but there are 1"):
        given_faces([torch.zeros(3, 4, 4)], [[], []])
    with pytest.raises(InputError, match="image 0: needs RGB"):
        given_faces([torch.zeros(1, 4, 4)], [[]])


def test_boxes_given_by_hand_get_the_landmarks_of_the_face_inside(mobilenet: Detector, face_picture: torch.Tensor):
    (found,) = find_faces([face_picture], mobilenet)
    detection = found.used[0].detection
    box = detection.box
    nothing = Box(2.0, 2.0, 40.0, 50.0)
    wider = Box(box.x0 - 6, box.y0 - 6, box.x1 + 6, box.y1 + 6)
    (given,) = faces_in_boxes([face_picture], [[nothing, wider]], mobilenet)
    other, face = (face.detection for face in given.faces)
    assert (torch.tensor(face.landmarks) - torch.tensor(detection.landmarks)).abs().max() < 0.03 * box.width
    assert face.score == other.score == 1.0 and (other.box, face.box) == (nothing, wider)
    assert other == guess_faces([nothing], mobilenet)[0]
    assert given.made_by.detector == f"given by hand, {mobilenet.name}"


def test_boxes_are_given_for_each_image(mobilenet: Detector):
    images = [torch.rand(3, 100, 100), torch.rand(3, 60, 50)]
    first, second = faces_in_boxes(images, [[], [Box(10.0, 20.0, 40.0, 50.0)]], mobilenet)
    assert first.faces == () and second.faces[0].detection.box == (10, 20, 40, 50) and second.size == (60, 50)
    with pytest.raises(Cancelled):
        faces_in_boxes(images, [[], []], mobilenet, should_stop=lambda: True)


def test_boxes_without_area_or_outside_are_skipped_and_the_others_kept(mobilenet: Detector):
    boxes = [Box(5, 5, 5, 9), Box(900, 900, 1000, 1000), Box(10, 10, 40, 50), Box(9, 9, 4, 20), Box(-20, 0, 0, 20)]
    (found,) = faces_in_boxes([torch.rand(3, 64, 64)], [boxes], mobilenet)
    assert [face.detection.box for face in found.faces] == boxes
    reasons = [(face.skipped or "").partition(" (")[0] for face in found.faces]
    assert reasons == ["a box without area", "outside the image", "", "a box without area", "outside the image"]
    (selected,) = select_faces([found], SelectOptions())
    assert [face.detection.box for face in selected.used] == [boxes[2]]


def test_boxes_are_finite_numbers(mobilenet: Detector):
    with pytest.raises(InputError, match="box 0"):
        faces_in_boxes([torch.zeros(3, 32, 32)], [[Box(0, 0, float("nan"), 3)]], mobilenet)


def test_guessed_faces_are_average_and_upright(mobilenet: Detector):
    boxes = [Box(10, 20, 110, 154), Box(300, 100, 500, 300)]
    for box, detection in zip(boxes, guess_faces(boxes, mobilenet), strict=True):
        assert detection.box == box and detection.score == 1
        matrix = estimate_image_to_crop(detection.landmarks)
        assert abs(matrix[0, 1]) < 1e-9  # not turned
        drawn = np.array(detection.landmarks)
        template = np.array(FFHQ_TEMPLATE)
        scale = np.ptp(drawn[:, 0]) / np.ptp(template[:, 0])
        np.testing.assert_allclose(drawn - drawn[0], (template - template[0]) * scale, atol=1e-9)
        assert ((drawn > box[:2]) & (drawn < box[2:])).all()
    enlargement = np.linalg.det(estimate_image_to_crop(guess_faces(boxes, mobilenet)[1].landmarks)[:, :2])
    assert math.isclose(enlargement, 267 * 358.5 / 200**2, rel_tol=1e-9)  # areas: average face in the crop, given box
