import dataclasses
import math

import numpy as np
import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.blending.masks import (
    FACE_FRACTION,
    box_mask,
    find_frame,
    make_masks,
    shape_mask,
    soft_face_mask,
)
from vqfr_core.types import Box, FaceCrop, FaceDetection, Point, RestoredFace

FRONTAL = np.array([[193.0, 240.0], [319.0, 240.0], [256.0, 314.0], [201.0, 371.0], [313.0, 371.0]])


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = math.radians(degrees)
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (points - 255.5) @ rotation.T + 255.5


def value_at(mask: torch.Tensor, x: float, y: float) -> float:
    return float(mask[0, round(y), round(x)])


def border_is_zero(mask: torch.Tensor) -> bool:
    plane = mask.reshape(-1, *mask.shape[-2:])
    edges = [plane[:, :3], plane[:, -3:], plane[..., :3], plane[..., -3:]]
    return all(float(edge.abs().max()) == 0.0 for edge in edges)


def make_face(landmarks: np.ndarray = FRONTAL, seed: int = 0) -> RestoredFace:
    generator = torch.Generator().manual_seed(seed)
    image_to_crop = np.array([[2.0, 0.0, -40.0], [0.0, 2.0, -60.0]])
    in_image = (landmarks - image_to_crop[:, 2]) / 2.0
    detection = FaceDetection(Box(0, 0, 200, 200), tuple(Point(*p) for p in in_image.tolist()), 0.9)
    crop = FaceCrop(detection, torch.rand((3, 512, 512), generator=generator), image_to_crop)
    return RestoredFace(crop, torch.rand((3, 512, 512), generator=generator))


class PaintedParser:
    """A parser in ParseNet's label order that reads the label off the red channel: label / 18."""

    name = "parsenet"
    device = torch.device("cpu")
    calls = 0

    def network(self, scaled: torch.Tensor) -> tuple[torch.Tensor]:
        self.calls += 1
        labels = ((scaled[:, 0] * 0.5 + 0.5) * 18).round().long()
        return (torch.nn.functional.one_hot(labels, 19).permute(0, 3, 1, 2).float(),)


def painted(labels: torch.Tensor) -> torch.Tensor:
    return (labels.float() / 18).expand(3, -1, -1).clone()


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


@pytest.mark.parametrize("bad", [np.zeros((5, 2)), np.zeros((4, 2)), np.full((5, 2), np.nan)])
def test_landmarks_without_a_face_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="landmarks"):
        soft_face_mask(bad)


@pytest.mark.parametrize(("erode", "feather"), [(-0.2, 0.0), (-0.1, 0.5), (0.0, 0.0), (0.02, 0.06), (0.3, 0.5)])
def test_every_mask_is_zero_at_the_border(erode: float, feather: float) -> None:
    far_off = FRONTAL + [200.0, 150.0]
    masks = torch.stack([box_mask(256), soft_face_mask(far_off / 2, 256), torch.ones(1, 256, 256)])
    shaped = shape_mask(masks, erode=erode, feather=feather)
    assert border_is_zero(shaped)
    assert float(shaped.min()) >= 0.0 and float(shaped.max()) <= 1.0


def test_box_mask_fills_the_crop() -> None:
    mask = shape_mask(box_mask(), erode=0.02, feather=0.06)
    assert float(mask[0, 60:-60, 60:-60].min()) == pytest.approx(1.0, abs=1e-6)
    assert float(mask.mean()) > 0.75


def disc(radius: float, size_px: int = 512) -> torch.Tensor:
    axis = torch.arange(size_px) - (size_px - 1) / 2
    return (axis[:, None].hypot(axis[None, :]) < radius).float()[None]


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
    masks = torch.stack([disc(120.0), soft_face_mask(FRONTAL)])
    together = shape_mask(masks, erode=0.02, feather=0.06)
    for mask, shaped in zip(masks, together, strict=True):
        assert torch.allclose(shape_mask(mask, erode=0.02, feather=0.06), shaped, atol=1e-6)


def test_wrong_mask_shape_is_refused() -> None:
    with pytest.raises(InputError, match="mask"):
        shape_mask(torch.zeros(512, 512), erode=0.0, feather=0.0)


def masks_of(faces: list[RestoredFace], kind: str, parser: PaintedParser | None = None, regions: str = "skin"):
    return make_masks(faces, kind=kind, regions=regions, erode=0.0, feather=0.0, parser=parser)


def test_make_masks_by_kind() -> None:
    face = make_face()
    soft, box = masks_of([face], "soft")[0].mask, masks_of([face], "box")[0].mask
    assert soft is not None and box is not None
    assert torch.equal(masks_of([face], "auto")[0].mask, soft)
    assert torch.allclose(soft, soft_face_mask(FRONTAL), atol=1e-5)
    assert float(box.mean()) > float(soft.mean())
    assert face.mask is None


def test_make_masks_refuses_what_it_cannot_do() -> None:
    with pytest.raises(InputError, match="parsing"):
        masks_of([], "parsing")
    with pytest.raises(InputError, match="oval"):
        masks_of([], "oval")
    with pytest.raises(InputError, match="beard"):
        masks_of([], "soft", regions="skin,beard")
    with pytest.raises(InputError, match="regions"):
        masks_of([make_face()], "parsing", PaintedParser(), regions="")
    assert masks_of([], "auto") == []


def test_parsing_mask_keeps_a_hand_and_leaves_the_neighbour() -> None:
    skin, background = 1, 0
    clear = torch.full((512, 512), background)
    clear[150:460, 130:380] = skin
    clear[200:300, :40] = skin  # a neighbour's cheek at the crop's side
    covered = clear.clone()
    covered[350:460, 130:250] = background  # a hand over the jaw
    faces = [make_face(seed=i) for i in range(2)]
    crops = [dataclasses.replace(f.crop, image=painted(x)) for f, x in zip(faces, (covered, clear), strict=True)]
    faces = [RestoredFace(crop, painted(clear)) for crop in crops]
    parser = PaintedParser()
    first, second = (face.mask[0] for face in masks_of(faces, "auto", parser))
    assert parser.calls == 2  # one for all inputs, one for all restored faces
    assert float(first[400, 200]) == 0.0 and float(second[400, 200]) == 1.0
    assert float(first[250, 250]) == 1.0
    assert float(second[250, 20]) < 0.01


def test_parsing_falls_back_when_the_input_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    labels = torch.zeros((512, 512), dtype=torch.int64)
    labels[150:460, 130:380] = 1
    face = make_face()
    crop = dataclasses.replace(face.crop, image=painted(torch.zeros_like(labels)))
    mask = masks_of([RestoredFace(crop, painted(labels))], "parsing", PaintedParser())[0].mask
    assert mask is not None and float(mask[0, 300, 256]) == 1.0
    assert "too damaged" in caplog.text
