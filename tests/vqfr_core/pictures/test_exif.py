import struct

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from vqfr_core.pictures.exif import exif_from_tags, orient, tags_of, take_orientation
from vqfr_core.pictures.losses import collect_losses

MAKER_NOTE = b"made-up maker note"


def block(orientation, order="<", thumbnail=0):
    """An EXIF block with an orientation, a maker note and a link to a thumbnail."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    entries = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    entries += struct.pack(order + "HHII", 0x927C, 7, len(MAKER_NOTE), 38)
    return head + struct.pack(order + "H", 2) + entries + struct.pack(order + "I", thumbnail) + MAKER_NOTE


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_orientation_becomes_normal_and_the_rest_stays(order, prefix):
    orientation, rest = take_orientation(prefix + block(6, order, thumbnail=8))
    assert orientation == 6
    assert rest == block(1, order, thumbnail=0)


@pytest.mark.parametrize("orientation", [0, 9, 500])
def test_orientations_that_do_not_exist_mean_normal(orientation):
    assert take_orientation(block(orientation))[0] == 1


@pytest.mark.parametrize("damaged", [b"", b"Exif\0\0", b"II*\0", b"rubbish of some length", block(6)[:15]])
def test_a_damaged_block_is_left_out(damaged):
    assert take_orientation(damaged) == (None, None)


def test_an_orientation_before_the_damage_counts():
    assert take_orientation(block(6)[:30]) == (6, None)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_agrees_with_pillow(orientation):
    array = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    picture = Image.fromarray(array)
    picture.getexif()[0x0112] = orientation
    expected = np.array(ImageOps.exif_transpose(picture))
    turned = orient(torch.from_numpy(array.copy()).permute(2, 0, 1), orientation)
    assert turned.is_contiguous()
    np.testing.assert_array_equal(turned.permute(1, 2, 0).numpy(), expected)


def test_tags_of_a_wrong_type_are_left_out_alone():
    rational_text = struct.pack("<HHII", 0x010E, 5, 1, 0)
    made = (
        b"II*\0\x08\0\0\0"
        + struct.pack("<H", 2)
        + rational_text
        + struct.pack("<HHI4s", 0x0131, 2, 3, b"me")
        + bytes(4)
    )
    with collect_losses() as losses:
        assert tags_of(made) == {0x0131: "me"}
    assert [loss.text for loss in losses] == ["the EXIF tag 270 is damaged and was left out"]


def test_tags_survive_being_made_into_a_block():
    tags = {0x010F: "Maker", 0x8769: {0x9003: "2020:01:02 03:04:05"}, 0x8825: {1: "N"}}
    made = exif_from_tags(tags)
    assert made is not None and made[:2] in (b"II", b"MM")
    assert tags_of(made) == tags
    assert exif_from_tags({}) is None
