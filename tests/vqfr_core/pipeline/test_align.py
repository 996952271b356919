import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.affine import invert_affine, transform_points, translation_affine, warp_affine
from vqfr_core.pipeline.align import (
    FFHQ_TEMPLATE,
    align_face,
    aligned_crop,
    aligned_faces,
    crop_faces,
    estimate_image_to_crop,
    view_face,
)
from vqfr_core.types import Box, Face, FaceDetection, ImageFaces, Point


def similarity(scale: float, angle_deg: float, dx: float, dy: float) -> np.ndarray:
    c, s = scale * math.cos(math.radians(angle_deg)), scale * math.sin(math.radians(angle_deg))
    return np.array([[c, -s, dx], [s, c, dy]])


def face_placed_by(crop_to_image: np.ndarray) -> FaceDetection:
    points = transform_points(FFHQ_TEMPLATE, crop_to_image)
    return FaceDetection(Box(0, 0, 1, 1), tuple(Point(*map(float, point)) for point in points), 1.0)


def smooth_image(height: int, width: int) -> torch.Tensor:
    coarse = torch.rand((1, 3, 10, 10), generator=torch.Generator().manual_seed(3)) * 0.8 + 0.1
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)[0].clamp(0, 1)


@pytest.mark.parametrize(("side", "factor"), [(256, 1.0), (512, 2.5)])
def test_a_wider_view_keeps_the_middle_and_fits_any_size_of_the_image(side, factor):
    image, face = smooth_image(300, 400), face_placed_by(similarity(0.3, 20, 90, 60))
    narrow, wide = align_face(image, face, side), align_face(image, face, side, factor)
    middle, edge = ((side - 1) / 2,) * 2, (0, (side - 1) / 2)
    crop_to_image = [invert_affine(crop.image_to_crop) for crop in (narrow, wide)]
    middles = [transform_points([middle], matrix)[0] for matrix in crop_to_image]
    np.testing.assert_allclose(*middles, atol=1e-9)
    widths = [np.linalg.norm(transform_points([edge], m)[0] - middles[0]) for m in crop_to_image]
    assert widths[1] / widths[0] == pytest.approx(factor)
    doubled = torch.nn.functional.interpolate(image[None], scale_factor=2, mode="bicubic")[0]
    assert torch.equal(view_face(image, face, (300, 400), side, factor), wide.image)
    assert (view_face(doubled, face, (300, 400), side, factor) - wide.image).abs().mean() < 0.01


def test_template_landmarks_give_identity():
    np.testing.assert_allclose(estimate_image_to_crop(FFHQ_TEMPLATE), translation_affine(0, 0), atol=1e-9)


@pytest.mark.parametrize("crop_to_image", [similarity(0.1, -35, 700, 90), similarity(4, 170, -30, 8000)])
def test_a_moved_template_is_brought_back(crop_to_image: np.ndarray):
    found = estimate_image_to_crop(face_placed_by(crop_to_image).landmarks)
    np.testing.assert_allclose(found, invert_affine(crop_to_image), atol=1e-7)


def test_least_squares_against_a_general_solver():
    points = np.array(FFHQ_TEMPLATE) * 0.3 + np.array([[3, 1], [-4, 2], [0, -5], [6, 0], [1, 1]])
    # Unknowns a, b, dx, dy of x' = a x - b y + dx and y' = b x + a y + dy.
    rows = [[x, -y, 1, 0] for x, y in points] + [[y, x, 0, 1] for x, y in points]
    a, b, dx, dy = np.linalg.lstsq(np.array(rows), np.array(FFHQ_TEMPLATE).T.ravel(), rcond=None)[0]
    np.testing.assert_allclose(estimate_image_to_crop(points), [[a, -b, dx], [b, a, dy]], atol=1e-9)


def test_landmarks_of_the_wrong_side_first_are_refused():
    with pytest.raises(InputError, match="viewer's left eye comes first"):
        estimate_image_to_crop([(512 - x, y) for x, y in FFHQ_TEMPLATE])


def test_a_profile_is_still_a_face():
    middle = sum(x for x, _ in FFHQ_TEMPLATE) / 5
    matrix = estimate_image_to_crop([(middle + 0.15 * (x - middle), y) for x, y in FFHQ_TEMPLATE])
    assert abs(matrix[0, 1]) < 0.05 and 0.7 < matrix[0, 0] < 1.2


def test_another_crop_size_shows_the_same():
    face = face_placed_by(similarity(0.5, 10, 40, 30))
    half, full = (estimate_image_to_crop(face.landmarks, size) for size in (256, 512))
    corner = transform_points([(-0.5, -0.5), (511.5, 511.5)], invert_affine(full))
    np.testing.assert_allclose(transform_points(corner, half), [(-0.5, -0.5), (255.5, 255.5)], atol=1e-9)


@pytest.mark.parametrize(
    "landmarks",
    [
        [(5.0, 5.0)] * 5,
        [(0.0, 0.0)] * 4,
        [(0, 0), (1, 0), (math.nan, 1), (0, 2), (1, 2)],
    ],
)
def test_points_that_are_no_face_are_refused(landmarks: list):
    with pytest.raises(InputError, match="landmarks"):
        estimate_image_to_crop(landmarks)


def test_a_face_comes_to_the_template():
    crop_to_image = similarity(0.7, 24, 210, 60)
    pattern = smooth_image(512, 512)
    image = warp_affine(pattern, invert_affine(crop_to_image), (620, 600), padding="border", mode="bicubic")
    crop = align_face(image, face_placed_by(crop_to_image))
    assert crop.image.shape == (3, 512, 512) and crop.image.dtype == torch.float32
    inside = transform_points([(0, 0), (511, 0), (0, 511), (511, 511)], crop_to_image)
    assert (inside > 2).all() and (inside < (597, 617)).all()
    assert (crop.image - pattern).abs()[:, 4:-4, 4:-4].max() < 2 / 255
    marks = transform_points(crop.detection.landmarks, crop.image_to_crop)
    np.testing.assert_allclose(marks, FFHQ_TEMPLATE, atol=1e-6)


def test_a_large_face_does_not_alias():
    fine_pattern = ((torch.arange(2400)[:, None] + torch.arange(2400)) % 2).float().expand(3, -1, -1)
    crop = align_face(fine_pattern, face_placed_by(similarity(3.1, 17, 700, 200)))
    assert (crop.image - 0.5).abs().max() < 0.02


@pytest.mark.parametrize("angle_deg", [0, 25])
def test_beyond_the_image_it_goes_on(angle_deg: float):
    image = torch.full((3, 300, 300), 0.6)
    crop = align_face(image, face_placed_by(similarity(0.8, angle_deg, -150, -100)))
    torch.testing.assert_close(crop.image, torch.full_like(crop.image, 0.6), atol=1e-3, rtol=0)


def test_values_stay_in_range():
    image = (torch.rand((3, 90, 90), generator=torch.Generator().manual_seed(0)) > 0.5).float()
    crop = align_face(image, face_placed_by(similarity(0.17, 5, 0, 0))).image
    assert crop.min() >= 0 and crop.max() <= 1


def test_a_face_of_a_huge_image_costs_what_a_face_costs():
    huge = torch.full((3, 1, 1), 0.5).expand(3, 50_000, 50_000)
    started = time.perf_counter()
    align_face(huge, face_placed_by(similarity(1.2, 8, 30_000, 41_000)))
    assert time.perf_counter() - started < 2


def test_an_aligned_image_of_the_right_size_is_taken_as_it_is():
    image = torch.rand(3, 512, 512)
    crop = aligned_crop(image)
    assert crop.image is image
    np.testing.assert_allclose(crop.image_to_crop, translation_affine(0, 0), atol=1e-12)
    np.testing.assert_allclose(crop.detection.landmarks, FFHQ_TEMPLATE, atol=1e-9)


@pytest.mark.parametrize("size", [128, 300, 1024])
def test_an_aligned_image_of_another_size_is_resized(size: int):
    big = smooth_image(1024, 1024)
    image = torch.nn.functional.interpolate(big[None], (size, size), mode="bicubic", antialias=True)[0]
    crop = aligned_crop(image)
    expected = torch.nn.functional.interpolate(big[None], (512, 512), mode="bicubic", antialias=True)[0]
    assert (crop.image - expected).abs().max() < 2 / 255
    outer_edge = transform_points([(-0.5, -0.5), (size - 0.5, size - 0.5)], crop.image_to_crop)
    np.testing.assert_allclose(outer_edge, [(-0.5, -0.5), (511.5, 511.5)], atol=1e-9)


def test_an_aligned_image_that_is_not_square_is_centered():
    crop = aligned_crop(torch.full((3, 218, 178), 0.3))
    edges = transform_points([(-0.5, -0.5), (177.5, 217.5)], crop.image_to_crop)
    margin = (512 - 178 * 512 / 218) / 2
    np.testing.assert_allclose(edges, [(margin - 0.5, -0.5), (511.5 - margin, 511.5)], atol=1e-9)
    torch.testing.assert_close(crop.image, torch.full_like(crop.image, 0.3), atol=1e-3, rtol=0)
    assert crop.detection.box == Box(0, 0, 177, 217)


def test_a_banner_is_no_aligned_face():
    with pytest.raises(InputError, match="900 x 200"):
        aligned_crop(torch.zeros(3, 200, 900))


@pytest.mark.parametrize("image", [torch.zeros(4, 64, 64), torch.zeros(1, 3, 64, 64), torch.zeros(3, 64, 64).byte()])
def test_wrong_images_are_refused(image: torch.Tensor):
    with pytest.raises(InputError, match="RGB"):
        aligned_crop(image)
    with pytest.raises(InputError, match="RGB"):
        align_face(image, face_placed_by(translation_affine(0, 0)))


# --- as steps


def two_faces() -> ImageFaces:
    places = [face_placed_by(similarity(0.1, 10, 20, 30)), face_placed_by(similarity(0.15, -20, 60, 50))]
    return ImageFaces(smooth_image(150, 170), (150, 170), (Face(places[0], 1), Face(places[1], 0)))


def test_used_faces_are_cut_out_in_the_size_that_is_asked_for():
    entry = two_faces()
    skipped = replace(entry, faces=(entry.faces[0], replace(entry.faces[1], skipped="not selected")))
    first, second = crop_faces([entry, skipped], 64)
    for before, after in zip(entry.faces, first.faces, strict=True):
        assert torch.equal(after.crop.image, align_face(entry.image, before.detection, 64).image)
        assert after.number == before.number and before.crop is None
    assert second.faces[0].crop.image.shape == (3, 64, 64) and second.faces[1].crop is None


def test_crops_of_the_size_stay_and_need_no_image():
    (entry,) = crop_faces([two_faces()], 64)
    alone = replace(entry, image=None)
    (again,) = crop_faces([alone], 64)
    assert [face.crop for face in again.faces] == [face.crop for face in entry.faces]
    assert crop_faces([entry], 48)[0].faces[0].crop.image.shape == (3, 48, 48)
    with pytest.raises(InputError, match="their image is not kept"):
        crop_faces([alone], 48)


def test_an_aligned_image_is_its_own_and_only_face():
    images = [torch.rand(3, 64, 64), torch.rand(3, 30, 20)]
    first, second = aligned_faces(images, 64)
    assert first.is_aligned and second.is_aligned and second.size == (30, 20)
    assert [face.number for face in first.used] == [0] and first.used[0].crop.image is images[0]
    assert second.used[0].crop.image.shape == (3, 64, 64)
    assert first.notes == () and "20 x 30 px becomes 64 x 64 px" in second.notes[0] and "mirrored" in second.notes[0]
    assert "mirrored" not in aligned_faces([torch.rand(3, 128, 128)], 64)[0].notes[0]
    assert first.made_by.detector == "none: the input is an aligned face"
    assert crop_faces([first], 64)[0].used[0].crop is first.used[0].crop


def test_beyond_its_edge_an_image_goes_on_mirrored():
    image = torch.linspace(0, 1, 100).view(1, 100, 1).expand(3, 100, 120).contiguous()
    crop = aligned_crop(image, 120).image
    torch.testing.assert_close(crop[:, :10], crop[:, 10:20].flip(1), atol=1e-3, rtol=0)
