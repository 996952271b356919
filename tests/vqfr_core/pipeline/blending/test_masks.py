import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

from vqfr_core.errors import InputError
from vqfr_core.networks.base import Parser
from vqfr_core.options import MASK_KINDS, BlendOptions, RestoreOptions
from vqfr_core.pipeline.blending import masks
from vqfr_core.pipeline.blending.face_shape import soft_face_mask
from vqfr_core.pipeline.blending.masks import (
    FACE_FRACTION,
    crop_mask,
    make_masks,
    mask_kind,
    needs_parser,
    shape_mask,
    uses_parser,
)
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, Point

SIDE = 256
FRONTAL = np.array([[96.5, 120.0], [159.5, 120.0], [128.0, 157.0], [100.5, 185.5], [156.5, 185.5]])
SKIN = 1


def border_is_zero(mask: torch.Tensor) -> bool:
    plane = mask.reshape(-1, *mask.shape[-2:])
    edges = [plane[:, :3], plane[:, -3:], plane[..., :3], plane[..., -3:]]
    return all(float(edge.abs().max()) == 0.0 for edge in edges)


def make_face(image: torch.Tensor | None = None, restored: torch.Tensor | None = None, number: int = 0) -> Face:
    generator = torch.Generator().manual_seed(number)
    image_to_crop = np.array([[2.0, 0.0, -40.0], [0.0, 2.0, -60.0]])
    in_image = (FRONTAL - image_to_crop[:, 2]) / 2.0
    detection = FaceDetection(Box(0, 0, 100, 100), tuple(Point(*p) for p in in_image.tolist()), 0.9)
    image = torch.rand((3, SIDE, SIDE), generator=generator) if image is None else image
    restored = torch.rand((3, SIDE, SIDE), generator=generator) if restored is None else restored
    return Face(detection, number, crop=FaceCrop(detection, image, image_to_crop), restored=restored)


class PaintedParser(Parser):
    """Reads the label off the red channel: label / 9."""

    crop_px = SIDE

    def __init__(self) -> None:
        super().__init__(nn.Identity(), "painted", "a painted parser")
        self.calls: list[int] = []

    def run(self, crops: torch.Tensor) -> torch.Tensor:
        self.calls.append(len(crops))
        return (crops[:, 0] * 9).round().long()


def painted(labels: torch.Tensor) -> torch.Tensor:
    return (labels.float() / 9).expand(3, -1, -1).clone()


def disc(radius: float, size_px: int = 512) -> torch.Tensor:
    axis = torch.arange(size_px) - (size_px - 1) / 2
    return (axis[:, None].hypot(axis[None, :]) < radius).float()[None]


@pytest.mark.parametrize(("erode", "feather"), [(-0.2, 0.0), (-0.1, 0.5), (0.0, 0.0), (0.02, 0.06), (0.3, 0.5)])
def test_every_mask_is_zero_at_the_border(erode: float, feather: float) -> None:
    far_off = np.add(FRONTAL, (100.0, 75.0))
    masks = torch.stack([crop_mask(SIDE), soft_face_mask(far_off, SIDE), torch.ones(1, SIDE, SIDE)])
    shaped = shape_mask(masks, erode=erode, feather=feather)
    assert border_is_zero(shaped)
    assert float(shaped.min()) >= 0.0 and float(shaped.max()) <= 1.0


def test_crop_mask_fills_the_crop() -> None:
    mask = shape_mask(crop_mask(), erode=0.02, feather=0.06)
    assert float(mask[0, 60:-60, 60:-60].min()) == pytest.approx(1.0, abs=1e-6)
    assert float(mask.mean()) > 0.75


@pytest.mark.parametrize("erode", [0.1, -0.1])
def test_erode_moves_the_edge_by_a_part_of_the_face_in_all_directions(erode: float) -> None:
    shaped = shape_mask(disc(120.0), erode=erode, feather=0.0)[0]
    expected = 120.0 - erode * FACE_FRACTION * 512
    radius = math.sqrt(float(shaped.sum()) / math.pi)
    assert radius == pytest.approx(expected, rel=0.03)
    diagonal = torch.diagonal(shaped)
    assert float(diagonal.sum()) / math.sqrt(2) * 2 == pytest.approx(2 * expected, rel=0.06)


def test_feather_is_centred_on_the_edge_and_as_wide_as_asked() -> None:
    edge = torch.zeros(1, 512, 512)
    edge[..., 256:] = 1.0
    row = shape_mask(edge, erode=0.0, feather=0.1)[0, 256]
    width = int(((row[:400] > 0) & (row[:400] < 1 - 1e-6)).sum())
    assert width == pytest.approx(0.1 * FACE_FRACTION * 512, abs=3)
    assert float(row[255] + row[256]) == pytest.approx(1.0, abs=1e-5)


def test_shaping_is_relative_to_the_size() -> None:
    small = shape_mask(disc(60.0, 256), erode=0.05, feather=0.1)[0]
    large = shape_mask(disc(120.0), erode=0.05, feather=0.1)
    reduced = torch.nn.functional.avg_pool2d(large, 2)[0]
    assert float((small - reduced).abs().max()) < 0.12


def test_masks_of_a_batch_are_shaped_one_by_one() -> None:
    masks = torch.stack([disc(60.0, SIDE), soft_face_mask(FRONTAL, SIDE)])
    together = shape_mask(masks, erode=0.02, feather=0.06)
    for mask, shaped in zip(masks, together, strict=True):
        assert torch.allclose(shape_mask(mask, erode=0.02, feather=0.06), shaped, atol=1e-6)


def test_wrong_mask_shape_is_refused() -> None:
    with pytest.raises(InputError, match="mask"):
        shape_mask(torch.zeros(512, 512), erode=0.0, feather=0.0)


def masks_of(faces: list[Face], kind: str, parser: Parser | None = None, regions: str = "skin") -> list[Face]:
    return make_masks(faces, BlendOptions(mask=kind, regions=regions, erode=0.0, feather=0.0), parser)


def test_make_masks_by_kind() -> None:
    face = make_face()
    soft, crop = masks_of([face], "soft")[0].mask, masks_of([face], "crop")[0].mask
    assert soft is not None and crop is not None
    assert torch.equal(masks_of([face], "auto")[0].mask, soft)
    assert torch.allclose(soft, soft_face_mask(FRONTAL, SIDE), atol=1e-5)
    assert torch.equal(crop, shape_mask(crop_mask(SIDE), erode=0.0, feather=0.0)) and float(crop.mean()) > float(
        soft.mean()
    )
    assert torch.equal(masks_of([face], "box")[0].mask, crop), "the name of earlier versions"
    assert face.mask is None


def test_the_settings_shape_the_masks() -> None:
    options = RestoreOptions(mask="soft", erode=0.1, feather=0.2)
    expected = shape_mask(soft_face_mask(FRONTAL, SIDE), erode=0.1, feather=0.2)
    assert torch.allclose(make_masks([make_face()], options, None)[0].mask, expected, atol=1e-5)


def test_auto_is_parsing_with_a_parser_and_soft_without() -> None:
    parser = PaintedParser()
    assert [mask_kind(kind, None) for kind in ("auto", "soft", "crop")] == ["soft", "soft", "crop"]
    assert [mask_kind(kind, parser) for kind in ("auto", "soft", "parsing")] == ["parsing", "soft", "parsing"]


def test_every_kind_can_be_chosen_and_made() -> None:
    assert sorted(MASK_KINDS) == sorted(["auto", *masks._DRAWN, *masks._PARSED])


def test_another_kind_that_needs_a_parser(monkeypatch) -> None:
    monkeypatch.setitem(masks._PARSED, "hairy", lambda faces, options, parser: [])
    assert needs_parser("hairy") and uses_parser("hairy") and mask_kind("hairy", PaintedParser()) == "hairy"
    with pytest.raises(InputError, match="mask: hairy needs a face parser"):
        mask_kind("hairy", None)
    assert uses_parser("auto") and not needs_parser("auto") and not uses_parser("soft")


def test_make_masks_refuses_what_it_cannot_do() -> None:
    with pytest.raises(InputError, match=r"mask: parsing needs a face parser.*or choose auto, soft or crop$"):
        masks_of([], "parsing")
    with pytest.raises(InputError, match="regions: none chosen"):
        masks_of([make_face()], "parsing", PaintedParser(), regions="")
    with pytest.raises(InputError, match="face 4: has no crop"):
        masks_of([dataclasses.replace(make_face(), number=4, crop=None)], "soft")
    with pytest.raises(InputError, match="face 4: has not been restored"):
        masks_of([dataclasses.replace(make_face(), number=4, restored=None)], "auto", PaintedParser())
    assert masks_of([], "auto") == [] and masks_of([], "auto", PaintedParser()) == []


def test_parsing_mask_keeps_a_hand_and_leaves_the_neighbour() -> None:
    clear = torch.zeros((SIDE, SIDE))
    clear[75:230, 65:190] = SKIN
    clear[100:150, :20] = SKIN  # a neighbour's cheek at the crop's side
    covered = clear.clone()
    covered[175:230, 65:125] = 0  # a hand over the jaw
    faces = [make_face(painted(before), painted(clear)) for before in (covered, clear)]
    parser = PaintedParser()
    first, second = (face.mask[0] for face in masks_of(faces, "auto", parser))
    assert parser.calls == [2, 2]  # one for all inputs, one for all restored faces
    assert float(first[200, 100]) == 0.0 and float(second[200, 100]) == 1.0
    assert float(first[125, 125]) == 1.0
    assert float(second[125, 10]) < 0.01


def test_hair_and_neck_reach_further_than_the_face() -> None:
    everywhere = torch.full((SIDE, SIDE), SKIN)
    face = make_face(painted(everywhere), painted(everywhere))
    face_only, with_hair, with_neck = (
        float(masks_of([face], "parsing", PaintedParser(), regions)[0].mask.mean())
        for regions in ("skin", "skin,hair", "skin,neck")
    )
    assert with_hair > 1.2 * face_only and with_neck > 1.2 * face_only


def test_parsing_falls_back_when_the_input_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    labels = torch.zeros((SIDE, SIDE), dtype=torch.int64)
    labels[75:230, 65:190] = SKIN
    face = make_face(painted(torch.zeros_like(labels)), painted(labels), number=7)
    mask = masks_of([face], "parsing", PaintedParser())[0].mask
    assert mask is not None and float(mask[0, 150, 128]) == 1.0
    assert "face 7: too damaged" in caplog.text
