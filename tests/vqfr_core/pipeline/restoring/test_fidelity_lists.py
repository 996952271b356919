from dataclasses import replace

import pytest

from vqfr_core.errors import InputError
from vqfr_core.pipeline.restoring.fidelity_lists import fidelity_by_face
from vqfr_core.types import ImageFaces


def chosen(faces, *numbers: int) -> ImageFaces:
    """An image of which only these numbers are used."""
    kept = [face if face.number in numbers else replace(face, skipped="not selected") for face in faces]
    return ImageFaces(None, (9, 9), tuple(kept))


def test_as_many_as_faces_go_by_their_order(make_faces):
    images = [chosen(make_faces(4), 1, 3), chosen(make_faces(2), 0)]
    assert fidelity_by_face([0.1, 0.2, 0.3], images) == [0.1, 0.2, 0.3]
    assert fidelity_by_face([], [chosen(make_faces(3))]) == []


def test_more_than_faces_go_by_number(make_faces):
    """A face keeps its fidelity whichever others are chosen."""
    values = (0.0, 0.1, 0.2, 0.3)
    assert fidelity_by_face(values, [chosen(make_faces(4), 1, 3)]) == [0.1, 0.3]
    assert fidelity_by_face(values, [chosen(make_faces(4), 2)]) == [0.2]
    assert fidelity_by_face(values, [chosen(make_faces(4), 2), chosen(make_faces(2), 0)]) == [0.2, 0.0]


def test_what_is_neither_is_refused(make_faces):
    for images in ([chosen(make_faces(4), 3, 2, 1)], [chosen([replace(f, number=None) for f in make_faces(3)], None)]):
        with pytest.raises(InputError, match="2 fidelities were given for 3 faces; give one for each"):
            fidelity_by_face([0.1, 0.2], images)


def test_more_than_there_are_numbers_is_refused(make_faces):
    for images in ([chosen(make_faces(1), 0)], [chosen(make_faces(4), 2)]):
        with pytest.raises(InputError, match="5 fidelities were given for 1 faces; give one for each"):
            fidelity_by_face([0.1] * 5, images)
