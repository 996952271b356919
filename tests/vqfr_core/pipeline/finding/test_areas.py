import math
import re

import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.finding.areas import boxes_of_mask, check_area, check_boxes, reason_outside
from vqfr_core.types import Box

SIZE = (400, 600)
FACE = Box(450, 160, 550, 260)


def test_each_area_gets_a_box_in_the_pixels_of_the_image():
    mask = torch.zeros(50, 100)
    mask[10:20, 60:90] = 1.0
    mask[30:50, 0:10] = 0.6
    boxes = boxes_of_mask(mask, (100, 200))
    assert boxes == [(-0.5, 59.5, 19.5, 99.5), (119.5, 19.5, 179.5, 39.5)]


def test_faint_and_tiny_areas_are_none():
    mask = torch.zeros(64, 64)
    mask[5:40, 5:40] = 0.4
    mask[50:52, 50:60] = 1.0
    assert boxes_of_mask(mask, (64, 64)) == []


def test_a_batch_is_refused():
    with pytest.raises(InputError, match=r"\(H, W\), got \(1, 4, 4\)"):
        boxes_of_mask(torch.zeros(1, 4, 4), (4, 4))


@pytest.mark.parametrize(
    ("boxes", "is_inside"),
    [
        ([Box(490, 200, 510, 220)], True),  # holds the centre
        ([Box(0, 0, 9, 9), Box(460, 165, 495, 255)], True),  # not the centre, but 35 * 90 / 10000
        ([Box(460, 170, 490, 250)], False),  # 0.24
        ([Box(450, 160, 480, 260)], True),  # 0.3 exactly
        ([], False),
        (None, True),
    ],
)
def test_boxes_keep_by_centre_or_overlap(boxes: list[Box] | None, is_inside: bool):
    reason = reason_outside(FACE, SIZE, boxes, None)
    assert reason == (None if is_inside else "outside the given boxes")


def test_a_mask_of_any_size_has_to_cover_half():
    for height, width in ((400, 600), (40, 60), (800, 1200)):
        area = torch.zeros(height, width)
        area[:, : width * 51 // 60] = 1  # the left 510 of 600 px: 60 % of the face
        assert reason_outside(FACE, SIZE, None, area) is None
        area[:, width * 4 // 5 :] = 0
        reason = reason_outside(FACE, SIZE, None, area)
        assert re.fullmatch(r"outside the mask \(it covers (29|30)% of the face\)", reason)


def test_a_mask_is_measured_from_the_outer_edges_of_its_pixels():
    area = torch.zeros(20, 20)
    area[7:11, 7:11] = 0.5  # from 3 to 5 px, whose centres are at integers, is 3.5 to 5.5 from the image's edge
    assert reason_outside(Box(3, 3, 5, 5), (10, 10), None, area) is None
    for corner in (7, 10):
        less = area.clone()
        less[corner, corner] = 0.4
        assert reason_outside(Box(3, 3, 5, 5), (10, 10), None, less) is not None


def test_areas_are_checked():
    assert check_area(torch.ones(1, 4, 5)).shape == (4, 5)
    assert check_area(torch.ones(4, 5, dtype=torch.bool)).shape == (4, 5)
    for mask in (torch.zeros(2, 4, 4), torch.zeros(4), torch.zeros(4, 4, dtype=torch.uint8), torch.zeros(0, 4)):
        with pytest.raises(InputError, match=r"mask: needs \(H, W\) or \(1, H, W\)"):
            check_area(mask)


@pytest.mark.parametrize("box", [Box(0, 0, 0, 5), Box(5, 5, 1, 1), Box(0, 0, math.nan, 1), (0, 0, 5)])
def test_boxes_without_an_area_are_refused(box):
    with pytest.raises(InputError, match="box 1: needs x0, y0, x1, y1"):
        check_boxes([Box(0, 0, 9, 9), box])
    assert check_boxes([(0, 0, 9, 9)]) == [Box(0.0, 0.0, 9.0, 9.0)]
