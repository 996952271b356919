import pytest

from vqfr_core.pipeline.finding.limits import SizeLimits, sort_out
from vqfr_core.types import Box, FaceDetection, Point

FACE = FaceDetection(
    Box(10, 20, 70, 100), (Point(25, 45), Point(52, 45), Point(38, 62), Point(28, 80), Point(50, 80)), 0.9
)
NO_LIMITS = SizeLimits(0, 0, 0, 1)


@pytest.mark.parametrize(
    ("face", "limits", "reason"),
    [
        (FACE, NO_LIMITS, None),
        (FACE, SizeLimits(60, 80, 0.4, 0.4), None),
        (FACE, SizeLimits(61, 0, 0, 1), "smaller than 61 px (60 px)"),
        (FACE, SizeLimits(0, 79, 0, 1), "larger than 79 px (80 px)"),
        (FACE, SizeLimits(0, 0, 0.5, 1), "smaller than 50% of the image's shorter side (40%)"),
        (FACE, SizeLimits(0, 0, 0, 0.3), "larger than 30% of the image's shorter side (40%)"),
    ],
)
def test_size_limits(face: FaceDetection, limits: SizeLimits, reason: str | None):
    result = sort_out([face], (200, 300), 0.8, limits)
    assert [skipped.reason for skipped in result.skipped] == ([] if reason is None else [reason])
    assert result.faces == ([face] if reason is None else [])


def test_other_reasons():
    unsure = FaceDetection(FACE.box, FACE.landmarks, 0.7996)
    flat = FaceDetection(FACE.box, (Point(5, 5),) * 5, 0.9)
    result = sort_out([unsure, flat], (200, 300), 0.8, NO_LIMITS)
    assert [skipped.reason for skipped in result.skipped] == [
        "the five landmarks of a face lie on one spot near (5.0, 5.0)",
        "confidence below 0.8 (0.79)",
    ]
