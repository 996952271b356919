import pytest

from vqfr_core.page.photo.view import face_at, toggled
from vqfr_core.page.words import say
from vqfr_core.types import Box, Face, FaceDetection, ImageFaces


def faces(numbers, chosen) -> ImageFaces:
    """Boxes of 10 px, 20 px apart in the order of the list; None: a face that has no number."""
    made = [
        Face(
            FaceDetection(Box(20 * place, 0, 20 * place + 10, 10), (), 0.9),
            number,
            None if number in chosen else "left alone",
        )
        for place, number in enumerate(numbers)
    ]
    return ImageFaces(None, (100, 100), tuple(made))


@pytest.mark.parametrize(
    ("number", "chosen", "total", "expected"),
    [(0, [0, 1, 2], 3, "1,2"), (1, [0, 2], 3, "all"), (2, [2], 3, "none"), (2, [0], 4, "0,2")],
)
def test_a_click_turns_a_choice_round(number, chosen, total, expected):
    assert toggled(faces(range(total), chosen), number) == expected


def test_faces_without_a_number_have_no_say():
    assert toggled(faces([1, None, 0], [0]), 1) == "all"


def test_a_click_hits_faces_with_a_number_by_their_own():
    found = faces([2, None, 0], [0])
    assert [face_at(found, 2.0, x, 10) for x in (10, 50, 90, 130)] == [2, None, 0, None]


def test_what_is_said_is_no_html():
    assert "<script>" not in say("<script>alert(1)</script>", "error")
