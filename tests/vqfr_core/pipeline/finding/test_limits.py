import pytest

from vqfr_core.options import FindOptions, RestoreOptions
from vqfr_core.pipeline.finding.limits import Limits, judge_faces
from vqfr_core.types import Box, FaceDetection, Point

FACE = FaceDetection(
    Box(10, 20, 70, 100), (Point(25, 45), Point(52, 45), Point(38, 62), Point(28, 80), Point(50, 80)), 0.9
)


@pytest.mark.parametrize(
    ("face", "limits", "reason"),
    [
        (FACE, Limits(0.8, 0, 0, 0, 1), None),
        (FACE, Limits(0.9, 60, 80, 0.4, 0.4), None),
        (FACE, Limits(0.8, 61, 0, 0, 1), "smaller than 61 px (60 px)"),
        (FACE, Limits(0.8, 0, 79, 0, 1), "larger than 79 px (80 px)"),
        (FACE, Limits(0.8, 0, 0, 0.5, 1), "smaller than 50% of the image's shorter side (40%)"),
        (FACE, Limits(0.8, 0, 0, 0, 0.3), "larger than 30% of the image's shorter side (40%)"),
    ],
)
def test_size_limits(face: FaceDetection, limits: Limits, reason: str | None):
    (judged,) = judge_faces([face], (200, 300), limits)
    assert judged.detection == face and judged.skipped == reason and judged.number is None


def test_other_reasons_by_confidence():
    unsure = FaceDetection(FACE.box, FACE.landmarks, 0.7996)
    flat = FaceDetection(FACE.box, (Point(5, 5),) * 5, 0.9)
    judged = judge_faces([unsure, flat], (200, 300), Limits(0.8, 0, 0, 0, 1))
    assert [face.skipped for face in judged] == [
        "the five landmarks of a face are at one spot near (5.0, 5.0)",
        "confidence below 0.8 (0.79)",
    ]


def test_those_to_use_come_first_the_largest_before_the_others():
    small = FaceDetection(Box(10, 20, 60, 80), FACE.landmarks, 0.99)
    judged = judge_faces(
        [small, FaceDetection(FACE.box, FACE.landmarks, 0.1), FACE], (200, 300), Limits(0.8, 0, 0, 0, 1)
    )
    assert [face.detection.score for face in judged] == [0.9, 0.99, 0.1]


def test_the_settings_are_the_limits():
    options = {
        "min_confidence": 0.5,
        "min_face_px": 1.0,
        "max_face_px": 2.0,
        "min_face_fraction": 0.25,
        "max_face_fraction": 0.75,
    }
    assert Limits.of(FindOptions(**options)) == Limits.of(RestoreOptions(**options)) == (0.5, 1.0, 2.0, 0.25, 0.75)
