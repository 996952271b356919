import math

import numpy as np
import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.blending.face_shape import crop_landmarks, find_frame, soft_face_mask
from vqfr_core.types import Box, FaceCrop, FaceDetection, Point

FRONTAL = np.array([[193.0, 240.0], [319.0, 240.0], [256.0, 314.0], [201.0, 371.0], [313.0, 371.0]])


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = math.radians(degrees)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (points - 255.5) @ rotation.T + 255.5


def value_at(mask: torch.Tensor, x: float, y: float) -> float:
    return float(mask[0, round(y), round(x)])


def test_soft_mask_covers_brows_to_chin_and_cheeks_but_not_the_background() -> None:
    mask = soft_face_mask(FRONTAL)
    assert mask.shape == (1, 512, 512) and mask.dtype == torch.float32
    for x, y in [*FRONTAL.tolist(), (193, 205), (319, 205), (256, 430), (160, 300), (352, 300)]:
        assert value_at(mask, x, y) > 0.85, (x, y)
    for x, y in [(256, 60), (60, 300), (450, 300), (256, 500), (140, 440)]:
        assert value_at(mask, x, y) == 0.0, (x, y)
    assert float(mask.min()) >= 0.0 and float(mask.max()) == 1.0


def test_soft_mask_has_no_hard_edge() -> None:
    mask = soft_face_mask(FRONTAL)[0]
    steepest = max(float(mask.diff(dim=0).abs().max()), float(mask.diff(dim=1).abs().max()))
    assert steepest < 0.06


@pytest.mark.parametrize("degrees", [-120.0, -30.0, 45.0, 180.0])
def test_soft_mask_turns_with_the_face(degrees: float) -> None:
    upright, rotated = soft_face_mask(FRONTAL), soft_face_mask(turned(FRONTAL, degrees))
    probes = np.array([[256.0, 430.0], [160.0, 300.0], [256.0, 150.0], [256.0, 60.0], [360.0, 200.0]])
    for before, after in zip(probes, turned(probes, degrees), strict=True):
        assert value_at(rotated, *after) == pytest.approx(value_at(upright, *before), abs=0.05)


def test_soft_mask_leaves_the_far_side_of_a_turned_head() -> None:
    nose_right = FRONTAL.copy()
    nose_right[2, 0] += 32
    mask, frontal = soft_face_mask(nose_right), soft_face_mask(FRONTAL)
    assert value_at(mask, 385, 290) < value_at(frontal, 385, 290)
    assert value_at(mask, 127, 290) > value_at(frontal, 127, 290)


def test_soft_mask_of_a_profile_still_covers_the_face() -> None:
    profile = np.array([[300.0, 240.0], [318.0, 240.0], [350.0, 300.0], [300.0, 371.0], [312.0, 371.0]])
    frame = find_frame(profile)
    assert frame.scale == pytest.approx(0.96 * frame.height)
    assert value_at(soft_face_mask(profile), 230, 300) > 0.9


def test_the_axes_of_a_face_by_hand() -> None:
    frame = find_frame(FRONTAL)
    np.testing.assert_allclose([*frame.eyes, *frame.across, *frame.down], [256, 240, 1, 0, 0, 1], atol=0.01)
    assert frame.height == pytest.approx(131, abs=0.1) and frame.scale == pytest.approx(126, abs=0.1)
    assert frame.turn == pytest.approx(0, abs=0.01)
    bowed = FRONTAL.copy()
    bowed[3:, 1] -= 100
    assert find_frame(bowed).height == pytest.approx(0.6 * 126, abs=0.1)
    nose_off = FRONTAL.copy()
    nose_off[2, 0] += 300
    assert find_frame(nose_off).turn == 0.5


def test_the_outline_grows_about_the_middle_of_the_face() -> None:
    narrow, wide = soft_face_mask(FRONTAL), soft_face_mask(FRONTAL, grow=1.5)
    assert 1.8 < float(wide.sum() / narrow.sum()) < 2.4 and bool((wide >= narrow).all())


def test_the_shape_is_relative_to_the_crop() -> None:
    small, large = soft_face_mask((FRONTAL + 0.5) / 4 - 0.5, 128), soft_face_mask(FRONTAL)
    reduced = torch.nn.functional.avg_pool2d(large, 4)
    assert float((small - reduced)[:, 6:-6, 6:-6].abs().max()) < 0.05


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.zeros((4, 2)), np.full((5, 2), np.nan)])
def test_landmarks_without_a_face_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="landmarks"):
        soft_face_mask(bad)


def test_landmarks_are_seen_in_the_crop() -> None:
    detection = FaceDetection(Box(0, 0, 9, 9), tuple(Point(x, x + 1) for x in range(5)), 1.0)
    crop = FaceCrop(detection, torch.zeros(3, 8, 8), np.array([[2.0, 0, 10], [0, 2, -1]]))
    assert crop_landmarks(crop)[:2].tolist() == [[10, 1], [12, 3]]
