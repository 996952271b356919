from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from vqfr_core.networks.base import Parser
from vqfr_core.options import BlendOptions
from vqfr_core.pipeline.align import FFHQ_TEMPLATE
from vqfr_core.pipeline.blending.finish import finish_faces
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, ImageFaces, Point

SIDE = 256


def skin(seed: int = 0) -> torch.Tensor:
    """A face-like picture: broad shades and some texture."""
    generator = torch.Generator().manual_seed(seed)
    shades = F.interpolate(torch.rand((1, 3, 6, 6), generator=generator), (SIDE, SIDE), mode="bicubic")[0]
    return 0.5 + 0.08 * (shades - 0.5) + 0.02 * torch.randn((3, SIDE, SIDE), generator=generator)


def hand(picture: torch.Tensor) -> tuple[slice, slice]:
    picture[:, 130:190, 100:150] = torch.tensor([0.95, 0.75, 0.6])[:, None, None]
    return slice(133, 187), slice(103, 147)


def bar(picture: torch.Tensor) -> tuple[slice, slice]:
    picture[:, 120:134] = torch.tensor([0.1, 0.8, 0.2])[:, None, None]
    return slice(122, 132), slice(90, 160)


def spectacles(picture: torch.Tensor) -> tuple[slice, slice]:
    for left in (70, 136):
        picture[:, 100:108, left : left + 52] = picture[:, 136:144, left : left + 52] = 0.05
    return slice(101, 107), slice(80, 110)


def writing(picture: torch.Tensor) -> tuple[slice, slice]:
    for left in range(70, 190, 24):
        picture[:, 140:180, left : left + 10] = picture[:, 140:150, left : left + 20] = 1.0
    return slice(141, 149), slice(94, 112)


def finish(crop: torch.Tensor, restored: torch.Tensor, parser: Parser | None = None, **options: str) -> ImageFaces:
    points = tuple(Point(x / 2, y / 2) for x, y in FFHQ_TEMPLATE)
    detection = FaceDetection(Box(0, 0, 1, 1), points, 1.0)
    face = Face(detection, 0, crop=FaceCrop(detection, crop, np.eye(2, 3)), restored=restored)
    (finished,) = finish_faces([ImageFaces(None, (SIDE, SIDE), (face,))], BlendOptions(**options), parser)
    return finished


def change(finished: ImageFaces, part: tuple[slice, slice]) -> float:
    (face,) = finished.used
    shown = torch.lerp(face.crop.image, face.restored, face.mask)
    return float((shown - face.crop.image)[:, part[0], part[1]].abs().mean())


@pytest.mark.parametrize("draw", [hand, bar, spectacles, writing])
def test_what_the_network_took_for_face_stays(draw):
    crop = skin()
    part = draw(crop)
    kept, replaced = finish(crop, skin(1)), finish(crop, skin(1), mask="soft")
    assert change(replaced, part) > 0.08
    assert change(kept, part) < 0.3 * change(replaced, part)
    assert "something seems to cover it" in kept.notes[0] and kept.made_by.mask == "soft" and not replaced.notes


def test_without_one_the_mask_is_the_soft_one():
    """However blurred, noisy or tinted the input is."""
    restored = skin()
    blurred = F.avg_pool2d(restored[None], 15, 1, 7)[0]
    noisy = restored + 0.1 * torch.randn(restored.shape, generator=torch.Generator().manual_seed(3))
    tinted = restored * torch.tensor([1.0, 0.8, 0.5])[:, None, None]
    for crop in (blurred, noisy, tinted):
        auto, soft = finish(crop, restored), finish(crop, restored, mask="soft")
        assert torch.equal(auto.used[0].mask, soft.used[0].mask) and not auto.notes


def test_a_scratch_is_still_removed():
    crop = skin()
    for left in (100, 131):
        crop[:, 40:220, left : left + 2] = 1.0
    part = (slice(60, 200), slice(100, 102))
    assert change(finish(crop, skin(1)), part) == change(finish(crop, skin(1), mask="soft"), part) > 0.3


class SkinParser(Parser):
    crop_px = SIDE

    def run(self, crops: torch.Tensor) -> torch.Tensor:
        return torch.ones((len(crops), SIDE, SIDE), dtype=torch.int64)


def test_a_parser_decides_alone():
    crop = skin()
    part = hand(crop)
    parsed = finish(crop, skin(1), SkinParser(nn.Identity(), "skin", "a parser that sees skin"))
    assert change(parsed, part) > 0.08 and not parsed.notes and parsed.made_by.mask == "parsing"


def test_a_mask_without_a_face_is_left_alone():
    from vqfr_core.pipeline.blending.occluders import spare_occluders

    (face,) = finish(skin(), skin(1)).used
    for incomplete in (replace(face, crop=None), replace(face, mask=None), replace(face, mask=face.mask * 0)):
        assert spare_occluders(incomplete) is incomplete
