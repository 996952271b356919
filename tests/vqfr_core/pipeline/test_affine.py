import math
import time

import numpy as np
import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.affine import (
    compose_affine,
    invert_affine,
    resize_affine,
    transform_points,
    translation_affine,
    warp_affine,
)

IDENTITY = translation_affine(0, 0)


def similarity(scale: float, angle_deg: float, dx: float, dy: float) -> np.ndarray:
    c, s = scale * math.cos(math.radians(angle_deg)), scale * math.sin(math.radians(angle_deg))
    return np.array([[c, -s, dx], [s, c, dy]])


def ramp(height: int, width: int) -> torch.Tensor:
    """Channel 0 holds each pixel's x, channel 1 its y: what is sampled tells where it was sampled."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y]).float()


def smooth_image(height: int, width: int, seed: int = 0) -> torch.Tensor:
    coarse = torch.rand((1, 3, 8, 8), generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)[0].clamp(0, 1)


def test_points_by_hand():
    quarter_turn = np.array([[0.0, -1.0, 10.0], [1.0, 0.0, 0.0]])
    assert transform_points([(2, 3), (0, 0)], quarter_turn).tolist() == [[7.0, 2.0], [10.0, 0.0]]


def test_points_there_and_back():
    matrix = similarity(0.37, 21, -14.5, 230.25)
    points = np.array([(0, 0), (511, 3), (1e4, -20)])
    back = transform_points(transform_points(points, matrix), invert_affine(matrix))
    np.testing.assert_allclose(back, points, atol=1e-9)
    np.testing.assert_allclose(compose_affine(matrix, invert_affine(matrix)), IDENTITY, atol=1e-12)


def test_compose_does_the_first_matrix_first():
    doubled_then_moved = compose_affine(similarity(2, 0, 0, 0), translation_affine(5, 7))
    assert transform_points([(1, 1)], doubled_then_moved).tolist() == [[7.0, 9.0]]


def test_resizing_keeps_outer_edges():
    halved = resize_affine((100, 40), (50, 20))
    np.testing.assert_allclose(transform_points([(-0.5, -0.5), (39.5, 99.5)], halved), [(-0.5, -0.5), (19.5, 49.5)])


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "reflect", "border"])
def test_identity_gives_the_image(mode: str, padding: str):
    image = torch.rand((3, 33, 57), generator=torch.Generator().manual_seed(1))
    warped = warp_affine(image, IDENTITY, (33, 57), padding=padding, mode=mode)
    torch.testing.assert_close(warped, image, atol=2e-5, rtol=0)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize(
    "matrix", [similarity(0.3, 30, 60, 40), similarity(1, -17, 40, 55), similarity(2.7, 80, 180, 9)]
)
def test_samples_lie_where_the_matrix_says(mode: str, matrix: np.ndarray):
    warped = warp_affine(ramp(200, 220), matrix, (48, 40), mode=mode, padding="border")
    ys, xs = np.mgrid[4:44:10, 4:36:8]
    points = np.stack([xs.ravel(), ys.ravel()], axis=1)
    expected = transform_points(points, matrix)
    inside = ((expected > 12) & (expected < (207, 187))).all(axis=1)
    assert inside.sum() >= 8
    sampled = warped[:, points[:, 1], points[:, 0]].T.numpy()
    step_px = np.hypot(*matrix[0, :2])
    error = sampled[inside] - expected[inside]
    # Kernels bend a straight ramp a little between the pixels (torch's bicubic one, a = -0.75, the most) ...
    assert np.abs(error).max() < (0.02 if mode == "bilinear" else 0.06) * max(step_px, 1)
    # ... but to both sides alike: any shift would show here.
    assert np.abs(error.mean(axis=0)).max() < 0.012 * max(step_px, 1)


def test_far_from_the_origin_nothing_is_lost():
    image = torch.zeros((1, 64, 60000))
    image[0, :, 59990] = 1
    warped = warp_affine(image, translation_affine(59980.25, 0), (4, 16))
    torch.testing.assert_close(warped[0, 0, 9:11], torch.tensor([0.25, 0.75]), atol=1e-4, rtol=0)


def test_padding_by_hand():
    image = torch.tensor([[[1.0, 2.0, 3.0]]])
    shown = {
        p: warp_affine(image, translation_affine(-3, 0), (1, 9), padding=p) for p in ("zeros", "border", "reflect")
    }
    expected = {
        "zeros": [0, 0, 0, 1, 2, 3, 0, 0, 0],
        "border": [1, 1, 1, 1, 2, 3, 3, 3, 3],
        "reflect": [3, 2, 1, 1, 2, 3, 3, 2, 1],
    }
    for padding, values in expected.items():
        shown = warp_affine(image, translation_affine(-3, 0), (1, 9), padding=padding)
        torch.testing.assert_close(shown[0, 0], torch.tensor(values).float(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflect"])
def test_wholly_outside(padding: str):
    image = torch.full((3, 20, 30), 0.7)
    warped = warp_affine(image, translation_affine(-500, 900), (8, 8), padding=padding)
    torch.testing.assert_close(warped, torch.full_like(warped, 0.0 if padding == "zeros" else 0.7), atol=1e-5, rtol=0)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflect"])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("scale", [0.4, 1.0, 2.5])
def test_part_of_the_input_gives_what_the_whole_gives(padding: str, mode: str, scale: float):
    """The middle of a big output reads all of the input; the same output pixels alone read only a window of it."""
    image = smooth_image(240, 300)
    matrix = similarity(scale, 25, 20, -30)
    whole = warp_affine(image, matrix, (160, 160), padding=padding, mode=mode)
    part_matrix = compose_affine(translation_affine(50, 90), matrix)
    part = warp_affine(image, part_matrix, (30, 40), padding=padding, mode=mode)
    error = (part - whole[:, 90:120, 50:90]).abs()
    # When shrinking, each window is first reduced to its own nearest whole size.
    assert error.max() < (1e-4 if scale <= 1 else 0.015) and error.mean() < (1e-5 if scale <= 1 else 1.5e-3)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_there_and_back(mode: str):
    image = smooth_image(256, 256)
    to_input = similarity(0.5, 33, 70, 20)
    there = warp_affine(image, to_input, (512, 512), mode=mode, padding="reflect")
    back = warp_affine(there, invert_affine(to_input), (256, 256), mode=mode)
    seen = warp_affine(torch.ones_like(there), invert_affine(to_input), (256, 256)) > 0.999
    known = -torch.nn.functional.max_pool2d(-seen.float(), 7, 1, 3) > 0.5
    error = (back - image).abs()[known]
    assert known.float().mean() > 0.3
    assert error.max() < 2 / 255 and error.mean() < 0.3 / 255


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shrink", [2.0, 3.3, 7.9])
@pytest.mark.parametrize("angle_deg", [0, 31])
def test_shrunk_checkerboard_is_gray(mode: str, shrink: float, angle_deg: float):
    board = ((torch.arange(400)[:, None] + torch.arange(400)) % 2).float()[None]
    matrix = similarity(shrink, angle_deg, 150.2, 90.7)
    gray = warp_affine(board, matrix, (20, 20), mode=mode, padding="reflect")
    assert (gray - 0.5).abs().max() < 0.02
    moire = warp_affine(board, matrix, (20, 20), mode=mode, padding="reflect", antialias=False)
    assert (moire - 0.5).abs().max() > 0.1


def test_shrinking_one_axis_only():
    stripes = (torch.arange(300) % 2).float().expand(1, 100, 300)
    shrunk = warp_affine(stripes, np.array([[3.0, 0, 1.0], [0, 1, 0]]), (100, 90))
    assert (shrunk[..., 5:-5] - 0.5).abs().max() < 0.2
    kept = warp_affine(stripes, np.array([[1.0, 0, 0], [0, 3, 1]]), (30, 300))
    torch.testing.assert_close(kept, stripes[:, :30], atol=1e-4, rtol=0)


def test_big_image_costs_only_the_window():
    big = torch.zeros((3, 1, 1)).expand(3, 100_000, 100_000)  # 10 gigapixels that would not fit into memory
    started = time.perf_counter()
    warped = warp_affine(big, similarity(1.5, 20, 60_000, 70_000), (512, 512), padding="reflect", mode="bicubic")
    assert warped.shape == (3, 512, 512) and time.perf_counter() - started < 2


def test_bands_join_without_a_seam(monkeypatch: pytest.MonkeyPatch):
    image, matrix = smooth_image(90, 70), similarity(0.6, 12, 5, 5)
    whole = warp_affine(image, matrix, (64, 50))
    monkeypatch.setattr("vqfr_core.pipeline.affine._BAND_PX", 330)
    torch.testing.assert_close(warp_affine(image, matrix, (64, 50)), whole, atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_dtype_stays(dtype: torch.dtype):
    assert warp_affine(torch.rand(1, 9, 9).to(dtype), similarity(2, 5, 0, 0), (4, 4)).dtype == dtype


@pytest.mark.parametrize(
    "change",
    [
        {"image": torch.zeros(3, 4, 4, dtype=torch.uint8)},
        {"image": torch.zeros(4, 4)},
        {"output_to_input": np.eye(3)},
        {"output_to_input": np.full((2, 3), np.nan)},
        {"size": (0, 4)},
        {"padding": "reflection"},
        {"mode": "nearest"},
    ],
)
def test_wrong_arguments_are_refused(change: dict):
    arguments = {"image": torch.zeros(3, 4, 4), "output_to_input": IDENTITY, "size": (4, 4)} | change
    with pytest.raises(InputError):
        warp_affine(**arguments)


def test_flat_matrix_has_no_inverse():
    with pytest.raises(InputError, match="cannot be inverted"):
        invert_affine(np.array([[1.0, 2, 0], [2, 4, 0]]))
