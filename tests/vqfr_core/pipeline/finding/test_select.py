import logging
from collections.abc import Sequence

import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.options import SORT_ORDERS, RestoreOptions, SelectOptions
from vqfr_core.pipeline.finding.select import for_each, select_faces
from vqfr_core.types import Box, Face, FaceDetection, ImageFaces, Point

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
TINY = Face(face(10, 10, 4), skipped="smaller than 24 px (4 px)")


def found(faces: Sequence[FaceDetection] = FACES) -> ImageFaces:
    return ImageFaces(None, SIZE, tuple(map(Face, faces)))


def select(entry: ImageFaces, boxes: list[Box] | None = None, area: torch.Tensor | None = None, **options: object):
    """Select in one image."""
    (chosen,) = select_faces(
        [entry],
        SelectOptions(**options),
        boxes=None if boxes is None else [boxes],
        areas=None if area is None else [area],
    )
    return chosen


def used(entry: ImageFaces) -> list[FaceDetection]:
    return [face.detection for face in entry.used]


def numbers(entry: ImageFaces) -> list[int | None]:
    """Of all faces in their places."""
    return [face.number for face in entry.faces]


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
    chosen = select(found(), sort=sort)
    assert used(chosen) == expected and [face.number for face in chosen.used] == [0, 1, 2, 3]
    assert [face.detection for face in chosen.faces] == FACES, "the faces keep their places"
    assert chosen.sort == sort


def test_every_offered_order_works():
    assert all(len(select(found(), sort=order).used) == 4 for order in SORT_ORDERS)


def test_equal_faces_are_numbered_from_left_to_right():
    right, left = face(300, 50, 30), face(100, 50, 30)
    assert used(select(found([right, left]))) == [left, right]


@pytest.mark.parametrize(
    ("expression", "expected"),
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
        (":-1", [0, 1, 2]),
        ("-9:-2", [0, 1]),
        (":-9", []),
        (":", [0, 1, 2, 3]),
        ("3:1", []),
        ("2:99", [2, 3]),
        ("-1, :1, center", [0, 1, 3]),
        ("9,1", [1]),
        ("-5", []),
    ],
)
def test_expressions(expression: str, expected: list[int]):
    chosen = select(found(), select=expression)
    assert used(chosen) == [BY_SIZE[number] for number in expected]
    assert [face.number for face in chosen.used] == expected
    assert numbers(chosen) == [3, 0, 1, 2], "those left out keep theirs"
    assert len(chosen.detections.skipped) == 4 - len(expected)


def test_words_do_not_depend_on_the_order():
    assert used(select(found(), select="largest", sort="left-right")) == [LARGE_RIGHT]
    assert used(select(found(), select="center", sort="score")) == [MEDIUM_CENTER]
    assert used(select(found(), select="0", sort="left-right")) == [SMALL_LEFT]


def test_a_number_without_a_face_is_logged(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        assert select(found(), select="7").used == []
    assert "no face number 7, only 4" in caplog.text


@pytest.mark.parametrize("expression", ["all", "largest", "center", "0", "-1", "1:3", "-2:"])
def test_no_faces_are_no_error(expression: str):
    assert select(found([]), select=expression).faces == ()


def test_at_most():
    chosen = select(found(), select="1:", max_faces=2)
    assert used(chosen) == BY_SIZE[1:3]
    reasons = {skipped.detection: skipped.reason for skipped in chosen.detections.skipped}
    assert reasons[SMALL_LEFT] == "more than the 2 faces allowed"
    assert reasons[LARGE_RIGHT] == "not selected (selected: 1:)"


def test_faces_left_out_before_stay_out_and_have_no_number():
    entry = ImageFaces(None, SIZE, (TINY, *map(Face, FACES)))
    chosen = select(entry, sort="left-right")
    assert chosen.faces[0] is not None and chosen.faces[0].skipped == TINY.skipped
    assert numbers(chosen) == [None, 0, 3, 2, 1] and used(chosen)[0] == SMALL_LEFT


def test_boxes_keep_by_centre_or_overlap():
    around_center = Box(300, 180, 320, 200)  # inside the face, holds its centre
    beside = Box(460, 165, 495, 255)  # without the centre of the right face, overlap 35 * 90 / 10000
    chosen = select(found(), [around_center, beside])
    assert used(chosen) == [LARGE_RIGHT, MEDIUM_CENTER]
    assert {skipped.reason for skipped in chosen.detections.skipped} == {"outside the given boxes"}
    assert select(found(), [Box(460, 170, 490, 250)]).used == []  # overlap 0.24
    assert select(found(), []).used == []


def test_the_first_reason_stays():
    first = select(found(), select="0")
    chosen = select(first, boxes=[Box(590, 390, 599, 399)])
    assert [face.skipped for face in chosen.faces] == [
        "not selected (selected: 0)",
        "outside the given boxes",
        "not selected (selected: 0)",
        "not selected (selected: 0)",
    ]
    assert numbers(chosen) == [None] * 4


def test_numbers_count_the_faces_inside():
    chosen = select(found(), [Box(300, 0, 600, 400)], select="1")
    assert used(chosen) == [MEDIUM_CENTER] and numbers(chosen) == [None, 0, 1, None]


@pytest.mark.parametrize("shape", [(400, 600), (1, 400, 600), (40, 60), (1, 800, 1200), (20, 60)])
def test_mask_keeps_what_it_covers(shape: tuple[int, ...]):
    area = torch.zeros(shape)
    area[..., : shape[-1] * 9 // 20] = 1  # the left 270 of 600 px
    chosen = select(found(), area=area)
    assert used(chosen) == [SMALL_LEFT] and numbers(chosen) == [0, None, None, None]
    covers = {skipped.detection: skipped.reason for skipped in chosen.detections.skipped}
    assert covers[LARGE_RIGHT] == "outside the mask (it covers 0% of the face)"
    wider = torch.zeros(shape)
    wider[..., : shape[-1] // 2] = 1
    assert used(select(found(), area=wider)) == [LOW_MIDDLE, SMALL_LEFT]


def test_empty_full_and_boolean_masks():
    assert select(found(), area=torch.zeros(64, 64)).used == []
    assert used(select(found(), area=torch.ones(1, 64, 64))) == BY_SIZE
    assert used(select(found(), area=torch.ones(64, 64, dtype=torch.bool))) == BY_SIZE


def test_a_face_smaller_than_a_mask_pixel_is_judged_too():
    assert select(found([face(599, 399, 1)]), area=torch.ones(2, 3)).used


@pytest.mark.parametrize("mask", [torch.zeros(2, 4, 4), torch.zeros(4), torch.zeros(4, 4, dtype=torch.uint8)])
def test_wrong_masks_are_refused(mask: torch.Tensor):
    with pytest.raises(InputError, match="mask"):
        select(found(), area=mask)


# --- a selection among what another one left


def test_a_second_selection_keeps_the_numbers():
    first = select(found(), select="1,3")
    second = select(first, select="3")
    assert used(second) == [SMALL_LEFT] and second.used[0].number == 3
    assert numbers(second) == numbers(first) == [3, 0, 1, 2]
    reasons = [face.skipped for face in second.faces]
    assert reasons[2] == "not selected (selected: 3)"
    assert reasons[1] == "not selected (selected: 1,3)", "what the first one said stays"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("-1", [3]),
        ("-3", []),
        ("0", [0]),
        ("1", []),
        ("1:", [3]),
        (":3", [0]),
        ("-1:", [3]),
        (":-1", [0]),
        ("-2:", [0, 3]),
        ("all", [0, 3]),
        ("largest", [0]),
        ("center", [0]),
    ],
)
def test_after_a_selection_numbers_are_still_the_first_ones(
    expression: str, expected: list[int], caplog: pytest.LogCaptureFixture
):
    """Negative numbers count from the last face still there; the others are the faces' own."""
    second = select(select(found(), select="0,3"), select=expression)
    assert [face.number for face in second.used] == expected
    assert ("no face number" in caplog.text) == (expression in ("1", "-3"))


def test_at_most_counts_those_still_there():
    second = select(select(found(), select="1:"), max_faces=2)
    assert [face.number for face in second.used] == [1, 2]


def test_another_order_numbers_anew_also_those_left_out():
    second = select(select(found(), select="0,3"), sort="left-right")
    assert numbers(second) == [0, 3, 2, 1] and used(second) == [SMALL_LEFT, LARGE_RIGHT]
    assert [face.number for face in second.used] == [0, 3]
    assert numbers(select(second, sort="size")) == [3, 0, 1, 2]


def test_a_later_area_takes_the_numbers_of_the_faces_outside():
    right_half = [Box(300, 0, 600, 400)]
    same_order = select(select(found()), right_half)
    assert numbers(same_order) == [None, 0, 1, None], "the others keep theirs"
    assert numbers(select(select(found()), right_half, sort="left-right")) == [None, 1, 0, None]


# --- several images


def test_boxes_and_areas_for_all_images_or_for_each():
    images = [found(), found([SMALL_LEFT, LARGE_RIGHT])]
    left, right = Box(0, 0, 300, 400), Box(300, 0, 600, 400)
    for_all = select_faces(images, boxes=[[left]])
    assert [used(entry) for entry in for_all] == [[LOW_MIDDLE, SMALL_LEFT], [SMALL_LEFT]]
    for_each_one = select_faces(images, boxes=[[left], []])
    assert [used(entry) for entry in for_each_one] == [[LOW_MIDDLE, SMALL_LEFT], []]
    full, empty = torch.ones(4, 6), torch.zeros(1, 4, 6)
    assert [len(entry.used) for entry in select_faces(images, areas=[empty, full])] == [0, 2]
    assert [len(entry.used) for entry in select_faces(images, areas=[full])] == [4, 2]
    assert [used(entry) for entry in select_faces(images, boxes=[[right]], areas=[full, empty])] == [
        [LARGE_RIGHT, MEDIUM_CENTER],
        [],
    ]
    assert select_faces([]) == []
    assert for_each([1], 3, "numbers") == [1, 1, 1]


def test_numbers_of_boxes_and_areas_that_do_not_fit():
    images = [found()] * 3
    with pytest.raises(InputError, match="boxes: 2 were given for 3 images; give one, or one for each"):
        select_faces(images, boxes=[[], []])
    with pytest.raises(InputError, match="areas: 2 were given for 3 images"):
        select_faces(images, areas=[torch.ones(2, 2)] * 2)
    with pytest.raises(InputError, match="box 1"):
        select_faces(images, boxes=[[Box(0, 0, 1, 1), Box(3, 3, 1, 1)]])


def test_the_whole_of_the_settings_does_as_well():
    (chosen,) = select_faces([found()], RestoreOptions(select="-1", sort="score"))
    assert used(chosen) == [LARGE_RIGHT]


def test_top_bottom_goes_by_the_middle():
    tall, flat = FaceDetection(Box(0, 10, 20, 90), (), 1.0), FaceDetection(Box(40, 20, 80, 30), (), 1.0)
    entry = ImageFaces(None, (100, 100), (Face(tall), Face(flat)))
    (chosen,) = select_faces([entry], SelectOptions(sort="top-bottom"))
    assert [face.number for face in chosen.faces] == [1, 0]


@pytest.mark.parametrize(("covered", "is_used"), [(52, True), (48, False)])
def test_a_mask_has_to_cover_half_of_a_face(covered: int, is_used: bool):
    entry = ImageFaces(None, (100, 100), (Face(FaceDetection(Box(-0.5, -0.5, 99.5, 99.5), (), 1.0)),))
    area = torch.zeros(100, 100)
    area[:covered] = 1
    (chosen,) = select_faces([entry], areas=[area])
    assert bool(chosen.used) is is_used
