"""Sharpness and noise of a picture whose octaves are alike, as a photograph's are."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from vqfr_core.pipeline.align import aligned_faces
from vqfr_core.pipeline.degradation import SHARP, measure_degradation, skip_sharp_faces
from vqfr_core.types import Measures

SIDE = 256


def noise(side: int, seed: int) -> Tensor:
    return torch.randn((1, 1, side, side), generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def sharp() -> Tensor:
    """(3, S, S): as much contrast in each octave, and more of it in some places than in others."""
    octaves = [
        F.interpolate(noise(SIDE >> k, k), (SIDE, SIDE), mode="bicubic", align_corners=False)[0] for k in range(5)
    ]
    busy = 0.02 + 0.06 * F.interpolate(noise(8, 9).abs(), (SIDE, SIDE), mode="bilinear")[0]
    return (0.5 + busy * (0.7 * octaves[0] + sum(octaves[1:]))).clamp(0, 1).expand(3, -1, -1)


def enlarged(image: Tensor, times: int) -> Tensor:
    small = F.interpolate(image[None], (SIDE // times, SIDE // times), mode="area")
    return F.interpolate(small, (SIDE, SIDE), mode="bicubic")[0].clamp(0, 1)


def sharpness(image: Tensor) -> float:
    measures = measure_degradation(image)
    assert measures is not None
    return measures.sharpness


def test_an_enlarged_face_is_less_sharp(sharp):
    values = [sharpness(sharp), *(sharpness(enlarged(sharp, times)) for times in (2, 4, 8))]
    assert values == sorted(values, reverse=True) and values[0] > SHARP > values[1] > 1.5 * values[2]


def test_noise_does_not_count_as_sharpness(sharp):
    grain = 0.05 * noise(SIDE, 3)[0]
    blurred, noisy = enlarged(sharp, 4), enlarged(sharp, 4) + grain
    assert sharpness(noisy) <= sharpness(blurred)
    before, after = measure_degradation(blurred), measure_degradation(noisy)
    assert before is not None and after is not None
    assert before.noise < 3 and after.noise == pytest.approx(0.05 * 255, rel=0.2)


def test_a_tiny_crop_is_not_measured():
    assert measure_degradation(torch.rand(3, 16, 16)) is None


def test_only_sharp_faces_are_skipped(sharp):
    found = aligned_faces([sharp, enlarged(sharp, 4)], SIDE)
    first, second = skip_sharp_faces(found)
    value = found[0].faces[0].measures.sharpness
    assert first.faces[0].skipped == f"already sharp (sharpness {value:.2f})" and not first.used
    assert second.used == list(found[1].used)
    face = replace(found[0].faces[0], measures=Measures(1.0, 0.0))
    unmeasured = replace(found[0], faces=(replace(face, measures=None),))
    not_selected = replace(found[0], faces=(replace(face, skipped="not selected"),))
    assert [entry.faces[0].skipped for entry in skip_sharp_faces([unmeasured, not_selected])] == [None, "not selected"]
