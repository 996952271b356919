import dataclasses
import math
import time

import numpy as np
import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.affine import invert_affine, warp_affine
from vqfr_core.pipeline.blending.background import resize_lanczos
from vqfr_core.pipeline.blending.blend import Blended
from vqfr_core.pipeline.blending.masks import crop_mask, shape_mask
from vqfr_core.pipeline.blending.paste import paste_faces
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, Point

SIDE = 128  # crops of the tests are smaller than the network's, nothing in blending depends on it


def random_image(height: int, width: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand((3, height, width), generator=torch.Generator().manual_seed(seed)).to(dtype)


def placing(center: tuple[float, float], face_px: float, degrees: float = 0.0) -> np.ndarray:
    """image_to_crop for a crop whose middle lies on center and whose side measures face_px in the image."""
    scale, angle = SIDE / face_px, math.radians(degrees)
    linear = scale * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    offset = (SIDE - 1) / 2 - linear @ np.array(center)
    return np.concatenate([linear, offset[:, None]], axis=1)


def make_face(
    image_to_crop: np.ndarray,
    restored: torch.Tensor | None = None,
    *,
    mask: torch.Tensor | None = None,
    opacity: float = 1.0,
    seed: int = 1,
) -> Face:
    restored = random_image(SIDE, SIDE, seed) if restored is None else restored
    mask = shape_mask(crop_mask(SIDE), erode=0.02, feather=0.06) if mask is None else mask
    detection = FaceDetection(Box(0, 0, 1, 1), (Point(0, 0),) * 5, 0.9)
    crop = FaceCrop(detection, torch.zeros(3, SIDE, SIDE), image_to_crop)
    return Face(detection, crop=crop, restored=restored, mask=mask, opacity=opacity)


def paste(image: torch.Tensor, faces: list[Face], scale: float = 1.0) -> Blended:
    """The faces on the image, enlarged by scale."""
    size = (round(image.shape[1] * scale), round(image.shape[2] * scale))
    canvas = image.clone(memory_format=torch.contiguous_format) if scale == 1 else resize_lanczos(image, size)
    return Blended(canvas, paste_faces(canvas, faces, (image.shape[1], image.shape[2])))


def assert_untouched_outside(result: torch.Tensor, mask: torch.Tensor, image: torch.Tensor) -> None:
    outside = (mask == 0).expand_as(image)
    assert torch.equal(result[outside], image[outside])


def image_of_kind(kind: str) -> torch.Tensor:
    if kind == "float":
        return random_image(90, 120) * 3 - 1
    levels = 255 if kind == "8-bit" else 65535
    return (random_image(90, 120) * levels).round() / levels


@pytest.mark.parametrize("kind", ["8-bit", "16-bit", "float"])
def test_outside_the_masks_every_bit_stays(kind: str) -> None:
    image = image_of_kind(kind)
    image[0, 0, 0] = -0.0
    before = image.clone()
    faces = [make_face(placing((40, 40), 50, 20)), make_face(placing((70, 50), 50, -15), seed=2)]
    result, mask = paste(image, faces)
    assert torch.equal(image, before)
    assert_untouched_outside(result, mask, image)
    assert math.copysign(1, float(result[0, 0, 0])) == -1
    inside = mask[0] > 0.99
    assert 800 < int(inside.sum()) < 4000
    assert float((result - image)[:, inside].abs().mean()) > 0.1
    if kind != "float":
        levels = 255 if kind == "8-bit" else 65535
        again = (result * levels).round()
        assert torch.equal(
            again[(mask == 0).expand(3, -1, -1)], (image * levels).round()[(mask == 0).expand(3, -1, -1)]
        )


def test_outside_the_masks_the_background_stays_at_other_scales() -> None:
    image = random_image(60, 80)
    result, mask = paste(image, [make_face(placing((40, 30), 30))], scale=2.5)
    assert result.shape == (3, 150, 200) and mask.shape == (1, 150, 200)
    assert_untouched_outside(result, mask, resize_lanczos(image, (150, 200)))


@pytest.mark.parametrize("faces", [[], [make_face(placing((40, 40), 50), opacity=0.0)]])
def test_nothing_to_show_is_the_input(faces: list[Face]) -> None:
    image = random_image(90, 120)
    result, mask = paste(image, faces)
    assert torch.equal(result, image)
    assert float(mask.max()) == 0.0


def blob(height: int, width: int, center: tuple[float, float], sigma: float) -> torch.Tensor:
    x, y = torch.arange(width, dtype=torch.float64), torch.arange(height, dtype=torch.float64)[:, None]
    plane = torch.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / (2 * sigma**2))
    return plane.float().expand(3, -1, -1).clone()


def centroid(image: torch.Tensor) -> tuple[float, float]:
    plane = image[0].double()
    plane = torch.where(plane > 1e-3, plane, torch.zeros_like(plane))
    x, y = torch.arange(plane.shape[1]).double(), torch.arange(plane.shape[0]).double()
    return float((plane.sum(0) * x).sum() / plane.sum()), float((plane.sum(1) * y).sum() / plane.sum())


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("degrees", [0.0, 30.0])
def test_a_face_lands_where_it_came_from(scale: float, degrees: float) -> None:
    image = blob(100, 120, (61.3, 48.8), 6.0)
    image_to_crop = placing((60, 50), 64, degrees)
    crop = warp_affine(image, invert_affine(image_to_crop), (SIDE, SIDE), padding="border", mode="bicubic")
    result, mask = paste(image * 0, [make_face(image_to_crop, crop)], scale=scale)
    x, y = centroid(result)
    assert x == pytest.approx((61.3 + 0.5) * scale - 0.5, abs=0.01)
    assert y == pytest.approx((48.8 + 0.5) * scale - 0.5, abs=0.01)
    background = resize_lanczos(image, (round(100 * scale), round(120 * scale)))
    assert float((result - background)[:, mask[0] > 0.999].abs().max()) < 0.015


def test_sizes_that_do_not_divide_keep_face_and_background_together() -> None:
    image = blob(101, 77, (40.0, 52.0), 6.0)
    image_to_crop = placing((40, 52), 56)
    crop = warp_affine(image, invert_affine(image_to_crop), (SIDE, SIDE), padding="border", mode="bicubic")
    result, _ = paste(image, [make_face(image_to_crop, crop)], scale=1.5)
    assert result.shape == (3, 152, 116)
    assert centroid(result) == pytest.approx(centroid(resize_lanczos(image, (152, 116))), abs=0.01)


def test_pasting_back_a_crop_leaves_no_seam() -> None:
    x, y = torch.meshgrid(torch.arange(120.0), torch.arange(100.0), indexing="xy")
    image = (0.5 + 0.3 * torch.sin(x / 9) * torch.cos(y / 7)).expand(3, -1, -1)
    image_to_crop = placing((60, 50), 70, 12)
    crop = warp_affine(image, invert_affine(image_to_crop), (SIDE, SIDE), padding="border", mode="bicubic")
    result, _ = paste(image, [make_face(image_to_crop, crop)])
    assert float((result - image).abs().max()) < 1 / 255


def test_opacity_scales_the_change() -> None:
    image, face = random_image(90, 120), make_face(placing((60, 45), 60))
    full, mask = paste(image, [face])
    half, half_mask = paste(image, [dataclasses.replace(face, opacity=0.5)])
    assert torch.allclose(half - image, (full - image) / 2, atol=1e-6)
    assert torch.allclose(half_mask, mask / 2)


def overlapping_faces() -> list[Face]:
    places = [placing((50, 60), 60), placing((80, 62), 54, 15), placing((66, 85), 40, -30)]
    return [make_face(place, seed=i + 5) for i, place in enumerate(places)]


def test_the_order_of_overlapping_faces_does_not_matter() -> None:
    image = random_image(130, 140)
    first, second, third = overlapping_faces()
    expected = paste(image, [first, second, third])
    for faces in ([third, second, first], [second, third, first]):
        result = paste(image, faces)
        assert torch.equal(result.image, expected.image) and torch.equal(result.mask, expected.mask)


def flat_face(place: np.ndarray, value: float, opacity: float = 1.0) -> Face:
    return make_face(place, torch.full((3, SIDE, SIDE), value), opacity=opacity)


def test_overlapping_faces_share_a_pixel_by_nearness() -> None:
    image = torch.full((3, 100, 160), 0.5)
    faces = [flat_face(placing((60, 50), 60), 1.0), flat_face(placing((90, 50), 60), 0.0)]
    result, mask = paste(image, faces)
    row = result[0, 50]
    assert float(row[55]) > 0.98 and float(row[95]) < 0.02
    assert float(row[75]) == pytest.approx(0.5, abs=0.01)
    assert bool((row[50:101].diff() <= 1e-6).all()) and float(row[50:101].diff().abs().max()) < 0.3
    assert float(mask.max()) <= 1.0 and float(mask[0, 50, 45:105].min()) > 0.99


def test_equal_faces_on_one_another_give_one_face() -> None:
    image, place = random_image(100, 100), placing((50, 50), 60, 10)
    once, twice = (paste(image, [make_face(place)] * n) for n in (1, 2))
    assert torch.allclose(once.image, twice.image, atol=1e-6) and torch.allclose(once.mask, twice.mask, atol=1e-6)


def test_a_face_of_no_opacity_is_left_alone_inside_a_neighbours_crop() -> None:
    image = torch.full((3, 100, 160), 0.5)
    shown, hidden = flat_face(placing((60, 50), 80), 1.0), flat_face(placing((90, 50), 30), 0.0, opacity=0.0)
    result, _ = paste(image, [shown, hidden])
    assert float(result[0, 50, 50]) == 1.0
    assert float(result[0, 50, 90]) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("center", [(0, 0), (119, 45), (60, 95), (-20, 40), (-500, 40)])
def test_faces_partly_or_wholly_outside(center: tuple[float, float]) -> None:
    image = random_image(90, 120)
    result, mask = paste(image, [make_face(placing(center, 60, 25))])
    assert result.shape == image.shape
    assert_untouched_outside(result, mask, image)
    assert (float(mask.max()) > 0) == (center[0] > -100)


def test_an_enlarged_mask_fades_up_to_its_next_pixel() -> None:
    image_to_crop = np.array([[1 / 8, 0, -0.5], [0, 1 / 8, -0.5]])
    mask = torch.zeros(1, 16, 16)
    mask[:, 6:10, 5:11] = 1
    coverage = paste(random_image(128, 128), [make_face(image_to_crop, random_image(16, 16), mask=mask)]).mask
    assert torch.allclose(coverage, warp_affine(mask, image_to_crop, (128, 128)), atol=1e-6)


def test_tiny_faces_are_averaged_and_not_sampled() -> None:
    image = torch.full((3, 40, 40), 0.2)
    checker = ((torch.arange(SIDE)[:, None] + torch.arange(SIDE)) % 2).float().expand(3, -1, -1)
    result, mask = paste(image, [make_face(placing((20, 20), 12), checker)])
    inside = mask[0] > 0.99
    assert int(inside.sum()) > 20
    assert torch.allclose(result[:, inside], torch.full_like(result[:, inside], 0.5), atol=0.03)
    speck, mask = paste(image, [make_face(placing((20, 20), 0.8), checker)])
    assert bool(torch.isfinite(speck).all()) and float(mask.max()) <= 1.0
    assert_untouched_outside(speck, mask, image)


def test_huge_faces_are_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    image, faces = random_image(300, 340), [make_face(placing((170, 150), 600, 17)), *overlapping_faces()]
    whole = paste(image, faces)
    monkeypatch.setattr("vqfr_core.pipeline.blending.paste._TILE_PX", 100)
    pieces = paste(image, faces)
    assert float((whole.image - pieces.image).abs().max()) < 1e-3
    assert torch.equal(whole.mask > 0, pieces.mask > 0)
    assert float(whole.image.min()) >= 0.0 and float(whole.image.max()) <= 1.0


def test_grey_stays_grey() -> None:
    image = random_image(90, 120)[:1].expand(3, -1, -1)
    faces = [make_face(placing((50, 45), 50, 20), random_image(SIDE, SIDE)[:1].expand(3, -1, -1))] * 2
    for scale in (1.0, 2.0):
        result = paste(image, faces, scale=scale).image
        assert torch.equal(result[0], result[1]) and torch.equal(result[0], result[2])


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_dtypes_may_differ(dtype: torch.dtype) -> None:
    image = random_image(90, 120, dtype=dtype)
    face = make_face(placing((60, 45), 60))
    half = dataclasses.replace(face, restored=face.restored.half(), mask=face.mask.half())
    result, mask = paste(image, [half])
    assert result.dtype == dtype and mask.dtype == torch.float32
    assert_untouched_outside(result, mask, image)
    assert float((result.float() - paste(image.float(), [face]).image).abs().max()) < 2e-3


def test_the_cost_does_not_grow_with_the_image() -> None:
    """Writing in place, 16 times the pixels around the same faces cost less than 3 times as much."""
    faces = [make_face(placing((40 + 20 * i, 60), 60)) for i in range(4)]

    def seconds(side: int) -> float:
        image = torch.zeros(3, side, side)
        best = math.inf
        for _ in range(5):
            started = time.perf_counter()
            paste_faces(image, faces, (side, side))
            best = min(best, time.perf_counter() - started)
        return best

    assert seconds(800) < 3 * seconds(200)


def test_mistakes_are_named() -> None:
    image, face = random_image(90, 120), make_face(placing((60, 45), 60))
    with pytest.raises(InputError, match="face 1: has no mask; blending comes after restore_faces and finish_faces"):
        paste(image, [face, dataclasses.replace(face, mask=None)])
    with pytest.raises(InputError, match="face 7: has no mask"):
        paste(image, [face, dataclasses.replace(face, restored=None, number=7)])
    with pytest.raises(InputError, match="face 0: image and mask"):
        paste(image, [dataclasses.replace(face, mask=torch.ones(1, 5, 5))])
    with pytest.raises(InputError, match="opacity"):
        paste(image, [dataclasses.replace(face, opacity=1.5)])
