import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.finding.areas import boxes_of_mask


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
