from dataclasses import replace

import pytest

from vqfr_core.types import (
    Box,
    Face,
    FaceDetection,
    ImageFaces,
    Point,
    SkippedFace,
    all_used,
    with_all_used,
)


def face(name: int, number: int | None = None, skipped: str | None = None) -> Face:
    """A face that can be told by its box."""
    return Face(FaceDetection(Box(name, 0, name + 1, 1), (Point(0, 0),) * 5, 0.5), number, skipped)


def names(faces: list[Face]) -> list[float]:
    return [each.detection.box.x0 for each in faces]


ENTRY = ImageFaces(
    None, (5, 5), (face(0, 2), face(1, 0), face(2, None, "unsure"), face(3, 3, "not selected"), face(4, 1))
)


def test_used_faces_come_by_number_and_the_others_after_them():
    assert names(ENTRY.used) == [1, 4, 0]
    assert names(ENTRY.left_out) == [3, 2]
    assert names(replace(ENTRY, faces=(face(7), face(6), face(5))).used) == [7, 6, 5], "without numbers by their places"


def test_with_used_puts_faces_in_the_places_of_those_used():
    changed = ENTRY.with_used(
        [replace(each, opacity=opacity) for each, opacity in zip(ENTRY.used, (0.1, 0.2, 0.3), strict=True)]
    )
    assert [each.opacity for each in changed.faces] == [0.3, 0.1, 1.0, 1.0, 0.2]
    assert names(list(changed.faces)) == [0, 1, 2, 3, 4] and [each.opacity for each in ENTRY.faces] == [1.0] * 5
    assert ENTRY.with_used(ENTRY.used, notes=("told",)).notes == ("told",)
    with pytest.raises(ValueError, match="argument 2"):
        ENTRY.with_used(ENTRY.used[:2])
    with pytest.raises(ValueError, match="argument 2"):
        ENTRY.with_used(ENTRY.used * 2)


def test_faces_of_several_images_in_order():
    images = [ENTRY, replace(ENTRY, faces=()), replace(ENTRY, faces=(face(9, 0),))]
    assert names(all_used(images)) == [1, 4, 0, 9]
    again = with_all_used(images, [replace(each, opacity=0.1 * i) for i, each in enumerate(all_used(images))])
    assert [each.opacity for each in all_used(again)] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [len(entry.faces) for entry in again] == [5, 0, 1]


def test_the_same_as_plain_detections():
    found = ENTRY.detections
    assert found.faces == [each.detection for each in ENTRY.used]
    assert found.skipped == [
        SkippedFace(ENTRY.faces[3].detection, "not selected"),
        SkippedFace(ENTRY.faces[2].detection, "unsure"),
    ]


def test_faces_are_told_apart_by_identity():
    """Two equal boxes are two faces, which nothing finds again by comparing."""
    assert face(0) != face(0) and len({face(0), face(0)}) == 2


def test_boxes_by_hand():
    box = Box(2.0, 3.0, 8.0, 7.0)
    assert (box.width, box.height, box.area, box.center) == (6, 4, 24, (5, 5))
    assert Box(5, 5, 1, 9).area == 0
