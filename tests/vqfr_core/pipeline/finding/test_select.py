import logging
import math

import numpy as np
import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.options import SORT_ORDERS
from vqfr_core.pipeline.align import FFHQ_TEMPLATE, estimate_image_to_crop
from vqfr_core.pipeline.finding.select import faces_from_boxes, select_faces, sort_faces
from vqfr_core.types import Box, FaceDetection, Point

SIZE = (400, 600)


def face(x: float, y: float, side: float, score: float = 0.9) -> FaceDetection:
    """A face with its centre at (x, y)."""
    return FaceDetection(Box(x - side / 2, y - side / 2, x + side / 2, y + side / 2), (Point(x, y),) * 5, score)


SMALL_LEFT = face(50, 60, 20, 0.95)
LARGE_RIGHT = face(500, 210, 100, 0.85)
MEDIUM_CENTER = face(310, 190, 60, 0.99)
LOW_MIDDLE = face(280, 370, 40, 0.9)
FACES = [SMALL_LEFT, LARGE_RIGHT, MEDIUM_CENTER, LOW_MIDDLE]
BY_SIZE = [LARGE_RIGHT, MEDIUM_CENTER, LOW_MIDDLE, SMALL_LEFT]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("size", BY_SIZE),
        ("left-right", [SMALL_LEFT, LOW_MIDDLE, MEDIUM_CENTER, LARGE_RIGHT]),
        ("top-bottom", [SMALL_LEFT, MEDIUM_CENTER, LARGE_RIGHT, LOW_MIDDLE]),
        ("center", [MEDIUM_CENTER, LOW_MIDDLE, LARGE_RIGHT, SMALL_LEFT]),
        ("score", [MEDIUM_CENTER, SMALL_LEFT, LOW_MIDDLE, LARGE_RIGHT]),
    ],
)
def test_sorting(sort: str, expected: list):
    assert sort_faces(FACES, SIZE, sort) == expected


def test_every_offered_order_works():
    assert all(len(sort_faces(FACES, SIZE, order)) == 4 for order in SORT_ORDERS)


def test_equal_faces_are_numbered_from_left_to_right():
    right, left = face(300, 50, 30), face(100, 50, 30)
    assert sort_faces([right, left], SIZE, "size") == [left, right]


@pytest.mark.parametrize(
    ("expression", "numbers"),
    [
        ("all", [0, 1, 2, 3]),
        ("none", []),
        ("largest", [0]),
        ("center", [1]),
        ("Centre ", [1]),
        ("0", [0]),
        ("-1", [3]),
        ("0,2", [0, 2]),
        ("2, 0, 2", [0, 2]),
        ("1:3", [1, 2]),
        (":2", [0, 1]),
        ("-2:", [2, 3]),
        (":", [0, 1, 2, 3]),
        ("3:1", []),
        ("2:99", [2, 3]),
        ("-1, :1, center", [0, 1, 3]),
        ("9,1", [1]),
        ("-5", []),
    ],
)
def test_expressions(expression: str, numbers: list[int]):
    result = select_faces(FACES, SIZE, select=expression)
    assert result.faces == [BY_SIZE[number] for number in numbers]
    assert len(result.faces) + len(result.skipped) == 4


def test_words_do_not_depend_on_the_order():
    assert select_faces(FACES, SIZE, select="largest", sort="left-right").faces == [LARGE_RIGHT]
    assert select_faces(FACES, SIZE, select="center", sort="score").faces == [MEDIUM_CENTER]
    assert select_faces(FACES, SIZE, select="0", sort="left-right").faces == [SMALL_LEFT]


@pytest.mark.parametrize("expression", ["", "first", "1-3", "0,,1", "1:2:3", "1.5", "0 1"])
def test_what_cannot_be_understood_is_refused_with_examples(expression: str):
    for faces in (FACES, []):
        with pytest.raises(InputError, match=r"select: cannot understand .* examples: all, none"):
            select_faces(faces, SIZE, select=expression)


def test_unknown_order_is_refused():
    with pytest.raises(InputError, match="left-right"):
        select_faces(FACES, SIZE, sort="width")


def test_a_number_without_a_face_is_logged(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        assert select_faces(FACES, SIZE, select="7").faces == []
    assert "no face number 7, only 4" in caplog.text


@pytest.mark.parametrize("expression", ["all", "largest", "center", "0", "-1", "1:3"])
def test_no_faces_are_no_error(expression: str):
    assert select_faces([], SIZE, select=expression) == ([], [])


def test_at_most():
    result = select_faces(FACES, SIZE, select="1:", max_faces=2)
    assert result.faces == BY_SIZE[1:3]
    reasons = {skipped.detection: skipped.reason for skipped in result.skipped}
    assert reasons[SMALL_LEFT] == "more than the 2 faces allowed (number 3)"
    assert reasons[LARGE_RIGHT] == "not selected (number 0, selected: 1:)"


def test_boxes_keep_by_centre_or_overlap():
    around_center = Box(300, 180, 320, 200)  # inside the face, holds its centre
    beside = Box(460, 165, 495, 255)  # without the centre of the right face, overlap 35 * 90 / 10000
    result = select_faces(FACES, SIZE, boxes=[around_center, beside])
    assert result.faces == [LARGE_RIGHT, MEDIUM_CENTER]
    assert {skipped.reason for skipped in result.skipped} == {"outside the given boxes"}
    assert select_faces(FACES, SIZE, boxes=[Box(460, 170, 490, 250)]).faces == []  # overlap 0.24
    assert select_faces(FACES, SIZE, boxes=[]).faces == []


def test_numbers_count_the_faces_inside():
    right_half = Box(300, 0, 600, 400)
    assert select_faces(FACES, SIZE, select="1", boxes=[right_half]).faces == [MEDIUM_CENTER]


@pytest.mark.parametrize("shape", [(400, 600), (1, 400, 600), (40, 60), (1, 800, 1200), (20, 60)])
def test_mask_keeps_what_it_covers(shape: tuple[int, ...]):
    mask = torch.zeros(shape)
    mask[..., : shape[-1] * 9 // 20] = 1  # the left 270 of 600 px
    result = select_faces(FACES, SIZE, mask=mask)
    assert result.faces == [SMALL_LEFT]
    covers = {skipped.detection: skipped.reason for skipped in result.skipped}
    assert covers[LARGE_RIGHT] == "outside the mask (it covers 0% of the face)"
    wider = torch.zeros(shape)
    wider[..., : shape[-1] // 2] = 1
    assert select_faces(FACES, SIZE, mask=wider).faces == [LOW_MIDDLE, SMALL_LEFT]


def test_empty_full_and_boolean_masks():
    assert select_faces(FACES, SIZE, mask=torch.zeros(64, 64)).faces == []
    assert select_faces(FACES, SIZE, mask=torch.ones(1, 64, 64)).faces == BY_SIZE
    assert select_faces(FACES, SIZE, mask=torch.ones(64, 64, dtype=torch.bool)).faces == BY_SIZE


def test_a_face_smaller_than_a_mask_pixel_is_judged_too():
    assert select_faces([face(599, 399, 1)], SIZE, mask=torch.ones(2, 3)).faces


@pytest.mark.parametrize("mask", [torch.zeros(2, 4, 4), torch.zeros(4), torch.zeros(4, 4, dtype=torch.uint8)])
def test_wrong_masks_are_refused(mask: torch.Tensor):
    with pytest.raises(InputError, match="mask"):
        select_faces(FACES, SIZE, mask=mask)


def test_faces_given_by_hand_are_average_and_upright():
    boxes = [Box(10, 20, 110, 154), Box(300, 100, 500, 300)]
    for box, detection in zip(boxes, faces_from_boxes(boxes), strict=True):
        assert detection.box == box and detection.score == 1
        matrix = estimate_image_to_crop(detection.landmarks)
        assert abs(matrix[0, 1]) < 1e-9  # not turned
        drawn = np.array(detection.landmarks)
        template = np.array(FFHQ_TEMPLATE)
        scale = np.ptp(drawn[:, 0]) / np.ptp(template[:, 0])
        np.testing.assert_allclose(drawn - drawn[0], (template - template[0]) * scale, atol=1e-9)
        assert ((drawn > box[:2]) & (drawn < box[2:])).all()
    enlargement = np.linalg.det(estimate_image_to_crop(faces_from_boxes(boxes)[1].landmarks)[:, :2])
    assert math.isclose(enlargement, 267 * 358.5 / 200**2, rel_tol=1e-9)  # areas: average face in the crop, given box


@pytest.mark.parametrize("box", [Box(0, 0, 0, 5), Box(5, 5, 1, 1), Box(0, 0, math.nan, 1)])
def test_boxes_without_area_are_refused(box: Box):
    with pytest.raises(InputError, match="box 1"):
        faces_from_boxes([Box(0, 0, 9, 9), box])
