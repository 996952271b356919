import numpy as np
import pytest
import torch


@pytest.fixture
def convert(pack):
    return pack.nodes.images


@pytest.mark.parametrize(
    "given",
    [
        [1, 2, 30, 40],
        (1, 2, 30, 40, 0.9),
        [[1, 2, 30, 40]],
        [[[1, 2, 30, 40]], [[1, 2, 30, 40]]],
        np.array([[1, 2, 30, 40]]),
        torch.tensor([[[1.0, 2, 30, 40]]]),
        {"x": 1, "y": 2, "width": 29, "height": 38},
        [[{"x": 1, "y": 2, "width": 29, "height": 38}]],
    ],
)
def test_boxes_of_all_packs_are_understood(convert, given):
    assert convert.boxes_for(given, 2) == [[(1, 2, 30, 40)]] * 2


def test_no_boxes_are_not_the_same_as_an_empty_list(convert):
    assert convert.boxes_for(None, 2) is None
    assert convert.boxes_for([], 2) == [[], []]
    assert convert.boxes_for([[], [[1, 2, 3, 4]]], 2) == [[], [(1, 2, 3, 4)]]


@pytest.mark.parametrize("given", ["all", 3, [1, 2, 3], [["a", "b", "c", "d"]], [[[1, 2, 3, 4]]] * 3])
def test_other_boxes_are_refused(convert, given):
    with pytest.raises(Exception, match=r"^boxes: "):
        convert.boxes_for(given, 2)


def test_the_hosts_empty_mask_is_no_mask(convert):
    assert convert.masks_for(None, 2, (100, 100)) is None
    assert convert.masks_for(torch.zeros(1, 64, 64), 2, (100, 100)) is None
    assert convert.masks_for(torch.zeros(1, 64, 64), 2, (64, 64)) is None
    assert len(convert.masks_for(torch.zeros(1, 100, 100), 2, (100, 100))) == 2
    painted = torch.zeros(64, 64)
    painted[3, 3] = 1.0
    assert torch.equal(convert.masks_for(painted, 2, (100, 100))[1], painted)


def test_each_image_gets_its_own_mask(convert):
    masks = torch.stack([torch.zeros(8, 8), torch.ones(8, 8)])
    first, second = convert.masks_for(masks, 2, (8, 8))
    assert not first.any() and second.all()


def test_colours_are_views_and_gray_is_spread(convert):
    image = torch.rand(5, 6, 4)
    assert convert.core_image(image).data_ptr() == image.data_ptr()
    assert convert.core_image(image).shape == (3, 5, 6)
    gray = convert.core_image(image[..., :1])
    assert torch.equal(gray[0], gray[2]) and gray.shape == (3, 5, 6)


@pytest.mark.parametrize(
    ("value", "text"), [(float("nan"), "NaN"), (float("inf"), "NaN"), (255.0, "dividing by 255"), (-127.0, "255")]
)
def test_values_that_cannot_be_an_image_are_refused(convert, value, text):
    images = torch.rand(2, 5, 6, 3)
    assert convert.check_images(images * 8) is not None  # HDR
    images[1, 2, 3, 1] = value
    with pytest.raises(Exception, match=rf"image 1: .*{text}"):
        convert.check_images(images)


def test_segments_of_another_size_are_scaled(convert):
    segment = convert.Seg(None, np.zeros((2, 2)), 0.9, (0, 0, 2, 2), (10, 10, 20, 30), "face")
    assert convert.boxes_of_segs(((50, 100), [segment]), (100, 200)) == [(20, 20, 40, 60)]
    with pytest.raises(Exception, match=r"SEGS: needs"):
        convert.boxes_of_segs(((50, 100), [None]), (100, 200))


def test_regions_of_segments_stay_inside_the_image(convert):
    size, (segment,) = convert.segs_of_masks([torch.ones(50, 60)], (50, 60), [convert.Box(-5, 30, 20, 49)], [0.8], 4.0)
    x0, y0, x1, y1 = segment.crop_region
    assert size == (50, 60) and 0 <= x0 < x1 <= 60 and 0 <= y0 < y1 <= 50
    assert segment.cropped_mask.shape == (y1 - y0, x1 - x0)
