import numpy as np
import pytest
from PIL import Image

from vqfr_core.drawing.faces import draw_faces
from vqfr_core.types import Box, Face, FaceDetection, ImageFaces, Point

GREEN, ORANGE = (40, 200, 90), (240, 120, 30)


def face(x0: float, y0: float, side: float) -> FaceDetection:
    points = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    landmarks = tuple(Point(x0 + x * side, y0 + y * side) for x, y in points)
    return FaceDetection(Box(x0, y0, x0 + side, y0 + side), landmarks, 0.9)


def found(*faces: Face) -> ImageFaces:
    return ImageFaces(None, (1, 1), faces)


def where(image: Image.Image, color: tuple[int, int, int]) -> np.ndarray:
    """(N, 2) x and y of the pixels of a colour."""
    return np.argwhere((np.asarray(image) == color).all(-1))[:, ::-1]


@pytest.mark.parametrize("side_px", [100, 1000, 3000])
def test_used_faces_are_green_and_others_orange_at_any_size(side_px):
    blank = Image.new("RGB", (side_px, side_px), (128, 128, 128))
    used, other = face(0.1 * side_px, 0.3 * side_px, 0.2 * side_px), face(0.6 * side_px, 0.3 * side_px, 0.2 * side_px)
    drawn = draw_faces(blank, found(Face(used, 0), Face(other, skipped="smaller than 900 px (20 px)")))
    assert max(drawn.size) >= 800
    factor = drawn.width / side_px
    for color, detection in ((GREEN, used), (ORANGE, other)):
        left, right = where(drawn, color)[:, 0].min() / factor, where(drawn, color)[:, 0].max() / factor
        assert abs(left - detection.box.x0) < 2 + 0.01 * side_px
        assert right >= detection.box.x1 - 2
    assert np.asarray(blank).min() == 128


def test_lines_grow_with_the_picture():
    def line_px(side_px: int) -> int:
        blank = Image.new("RGB", (side_px, side_px))
        drawn = np.asarray(draw_faces(blank, found(Face(face(0.4 * side_px, 0.4 * side_px, 0.3 * side_px), 0))))
        return int((drawn[round(0.42 * side_px)] == GREEN).all(-1).sum())

    assert line_px(4000) >= 3 * line_px(1000) > 0


def test_tags_stay_inside_and_apart():
    blank = Image.new("RGB", (800, 800), (128, 128, 128))
    corner = draw_faces(blank, found(Face(face(2, 0, 90), 0)))
    assert len(where(corner, GREEN)) > 90 * 4 + 200
    one = len(where(draw_faces(blank, found(Face(face(300, 300, 90), 0))), GREEN))
    two = len(where(draw_faces(blank, found(Face(face(300, 300, 90), 0), Face(face(400, 300, 90), 1))), GREEN))
    assert two > 1.9 * one


def test_no_faces_leave_the_picture_as_it_is():
    blank = Image.new("RGB", (900, 600), (128, 128, 128))
    drawn = draw_faces(blank, found())
    assert drawn.tobytes() == blank.tobytes() and drawn is not blank


def test_each_face_is_called_by_its_own_number():
    blank = Image.new("RGB", (800, 800), (128, 128, 128))
    first, third = (draw_faces(blank, found(Face(face(300, 300, 200), number))) for number in (0, 2))
    assert first.tobytes() != third.tobytes()
    unnumbered = draw_faces(blank, found(Face(face(300, 300, 200))))
    assert len(where(unnumbered, GREEN)) < len(where(third, GREEN))
