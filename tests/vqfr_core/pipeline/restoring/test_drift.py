"""A detector that takes the brightest pixel for the nose tip shows how landmarks are compared."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from vqfr_core.networks.base import RawFaces
from vqfr_core.pipeline.align import FFHQ_TEMPLATE
from vqfr_core.pipeline.restoring.drift import TONE_LIMIT, drifts, has_drifted, measure_drift
from vqfr_core.types import Drift, ImageFaces

SIDE, EYES_PX = 64, 15.7
TEMPLATE = (np.array(FFHQ_TEMPLATE) + 0.5) * SIDE / 512 - 0.5


class NoseFinder:
    """All landmarks move with the nose; a black crop has no face."""

    look_px = SIDE

    def find(self, pictures: Tensor, min_score: float) -> list[RawFaces]:
        return [self._face(picture[0]) for picture in pictures]

    def _face(self, picture: Tensor) -> RawFaces:
        y, x = divmod(int(picture.argmax()), SIDE)
        points = TEMPLATE + (np.array([x, y]) - TEMPLATE[2])
        return RawFaces(np.zeros((1, 4)), points[None], np.ones(1)).take(np.arange(int(picture.max() > 0)))


def crop_with_nose(dx: int = 0, dy: int = 0) -> Tensor:
    crop = torch.full((3, SIDE, SIDE), 0.5)
    crop[:, 39 + dy, 32 + dx] = 0.6
    return crop


def test_landmarks_in_parts_of_the_eye_distance():
    drift, gone = drifts(crop_with_nose(), [crop_with_nose(3, 4), torch.zeros(3, SIDE, SIDE)], NoseFinder())
    assert drift.landmarks == pytest.approx(5 / EYES_PX, rel=0.01)
    assert gone.landmarks is None


def test_tones_without_what_all_have_in_common():
    crop, brighter, shaded = crop_with_nose(), crop_with_nose() + 0.1, crop_with_nose()
    shaded[:, :, :32] -= 20 / 255
    same, other = drifts(crop, [brighter, shaded], NoseFinder())
    assert same.tones < 0.01 and other.tones == pytest.approx(10, abs=0.5)


def test_a_large_drift_is_warned_of_once_measured(entry):
    crops = entry(2, SIDE)
    first, second = crops.faces
    nose = replace(first, crop=replace(first.crop, image=crop_with_nose()))
    faces = (replace(nose, restored=crop_with_nose(4, 0)), replace(nose, number=1, restored=crop_with_nose()), second)
    (measured,) = measure_drift([ImageFaces(None, (9, 9), faces)], NoseFinder())
    moved, kept, unrestored = measured.faces
    assert "features moved by 25% of the eye distance" in moved.warning and kept.warning is None
    assert kept.drift == Drift(0.0, 0.0) and unrestored.drift is None
    again = replace(measured, faces=(replace(moved, restored=crop_with_nose()),))
    assert measure_drift([again], NoseFinder())[0].faces[0].drift == moved.drift


def test_either_is_too_far():
    assert has_drifted(Drift(0.2, 0.0)) and has_drifted(Drift(None, TONE_LIMIT + 1))
    assert not has_drifted(Drift(None, TONE_LIMIT - 1))
