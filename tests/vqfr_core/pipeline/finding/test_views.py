import itertools
import time

import numpy as np
import pytest
import torch

from vqfr_core.networks.base import RawFaces
from vqfr_core.networks.retinaface import RetinaFaceDetector
from vqfr_core.pipeline.finding.views import View, faces_in_image, plan_views, render_view

FILL = (0.4, 0.5, 0.6)
DETECTOR = RetinaFaceDetector(torch.nn.Identity(), "retinaface", "RetinaFace")


def raw(boxes: list) -> RawFaces:
    corners = np.array(boxes, dtype=float).reshape(-1, 2, 2)
    middle = corners.mean(axis=1, keepdims=True)
    return RawFaces(corners.reshape(-1, 4), np.repeat(middle, 5, axis=1), np.ones(len(boxes)))


def plan(size: tuple[int, int], detection_size_px: int = 1280, tiles: bool = False, rotations: bool = False):
    return plan_views(0, size, detection_size_px, DETECTOR, tiles=tiles, rotations=rotations)


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        ((512, 512), [(512, 512)]),
        ((64, 64), [(320, 320)]),
        ((30, 60), [(160, 320)]),
        ((600, 900), [(600, 900), (213, 320)]),
        ((3000, 4000), [(960, 1280), (240, 320)]),
        ((12000, 9000), [(1280, 960), (320, 240)]),
    ],
)
def test_overviews_have_bounded_size(size: tuple[int, int], sizes: list):
    views = plan(size)
    assert [view.size for view in views] == sizes
    assert [view.max_face_px for view in views] == [400] * (len(sizes) - 1) + [np.inf]
    assert all(side % 32 == 0 for view in views for side in view.padded_size)


def test_the_detector_says_at_which_sizes_it_looks():
    class Other(RetinaFaceDetector):
        stride_px, min_view_px, max_face_px = 48, 100, 70

    detector = Other(torch.nn.Identity(), "other", "another detector")
    views = plan_views(3, (600, 900), 1280, detector, tiles=False, rotations=True)
    assert [view.size for view in views[:2]] == [(600, 900), (150, 225)] and len(views) == 8
    assert [view.max_face_px for view in views[:2]] == [70, np.inf]
    assert all(side % 48 == 0 for view in views for side in view.padded_size)
    assert {view.image_index for view in views} == {3} and [view.quarter_turns for view in views[::2]] == [0, 1, 2, 3]
    assert plan_views(0, (30, 50), 1280, detector, tiles=False, rotations=False)[0].size == (60, 100)


def test_large_detection_size_has_views_between():
    assert [view.size[1] for view in plan((4000, 6000), 4096)] == [4096, 1024, 320]


def test_tiles_cover_the_image_at_full_resolution_and_overlap():
    seen = torch.zeros(700, 1700, dtype=torch.int)
    tiles = plan((700, 1700), 640, tiles=True)[2:]
    for view in tiles:
        x0, x1, y0, y1 = view.window
        assert view.size == (y1 - y0, x1 - x0) == (640, 640)
        seen[y0:y1, x0:x1] += 1
    assert seen.min() >= 1
    starts = sorted({view.window[0] for view in tiles})
    assert all(640 - (b - a) >= 160 for a, b in itertools.pairwise(starts))


def test_small_images_have_no_tiles():
    assert len(plan((600, 640), 640, tiles=True)) == len(plan((600, 640), 640))


@pytest.mark.parametrize("quarter_turns", range(4))
@pytest.mark.parametrize("size", [(40, 60), (20, 30), (80, 120)])
def test_a_spot_is_found_where_it_is(quarter_turns: int, size: tuple[int, int]):
    image = torch.zeros(3, 100, 200)
    image[:, 48:52, 130:134] = 1  # centred on (131.5, 49.5)
    view = View(0, (100, 160, 30, 70), size, quarter_turns)
    rendered = render_view(image, view, FILL)
    assert rendered.shape == (3, *view.padded_size)
    height, width = size if quarter_turns % 2 == 0 else size[::-1]
    shown = rendered[0, :height, :width]
    ys, xs = np.mgrid[:height, :width]
    weights = shown.numpy() / shown.sum().item()
    x, y = float((xs * weights).sum()), float((ys * weights).sum())
    found = faces_in_image(raw([[x - 1, y - 2, x + 1, y + 2]]), view)
    np.testing.assert_allclose(found.landmarks[0, 0], (131.5, 49.5), atol=0.02)
    scale = 60 / size[1]
    box_size = (2 * scale, 4 * scale) if quarter_turns % 2 == 0 else (4 * scale, 2 * scale)
    np.testing.assert_allclose(found.boxes[0, 2:] - found.boxes[0, :2], box_size, atol=1e-9)


def test_the_rest_of_a_picture_is_filled_with_nothing():
    rendered = render_view(torch.ones(3, 40, 50), View(0, (0, 50, 0, 40), (40, 50), stride_px=32), FILL)
    torch.testing.assert_close(rendered[:, 63, 63], torch.tensor(FILL))
    assert rendered[:, :40, :50].min() == 1


def test_shrinking_does_not_alias():
    board = ((torch.arange(640)[:, None] + torch.arange(640)) % 2).float().expand(3, -1, -1)
    rendered = render_view(board, View(0, (0, 640, 0, 640), (192, 192)), FILL)
    assert (rendered - 0.5).abs()[:, 2:-2, 2:-2].max() < 0.1


def test_what_another_view_sees_better_is_left_to_it():
    tile = View(0, (100, 740, 0, 640), (640, 640), 0, 400, (True, False, False, True))
    found = faces_in_image(
        raw([[0, 50, 60, 120], [590, 10, 640, 90], [50, 0, 99, 70], [300, 560, 360, 640], [100, 100, 520, 500]]), tile
    )
    # Cut by the left or the lower side, or too large: gone. At sides where the image ends: kept.
    assert found.boxes.tolist() == [[690, 10, 740, 90], [150, 0, 199, 70]]
    tile = View(0, (0, 640, 100, 740), (640, 640), 0, 400, (False, True, True, False))
    found = faces_in_image(raw([[580, 50, 639, 120], [200, 0, 260, 90], [0, 50, 60, 120], [300, 560, 360, 639]]), tile)
    assert found.boxes.tolist() == [[0, 150, 60, 220], [300, 660, 360, 739]]
    assert faces_in_image(raw([])._replace(boxes=np.zeros((0, 4))), tile).scores.size == 0


def test_an_overview_of_a_huge_image_is_quick():
    image = torch.rand(1, 1, 1).expand(3, 6000, 9000)
    started = time.perf_counter()
    for view in plan((6000, 9000)):
        render_view(image, view, FILL)
    assert time.perf_counter() - started < 5
