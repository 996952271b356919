import struct
import warnings

import numpy as np
import pytest
import torch
from PIL import Image

from vqfr_core.errors import InputError
from vqfr_core.pictures.convert import to_array, to_pil, to_tensor


def random_image(height=5, width=7, seed=0):
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


def tiny_cmyk_profile(cyan_lab):
    """A made-up ICC print profile whose cyan ink has the given Lab colour; other inks darken, paper is white."""
    grid = []
    for corner in range(16):  # the first ink changes slowest
        inks = [corner >> 3 & 1, corner >> 2 & 1, corner >> 1 & 1, corner & 1]
        lightness, a, b = cyan_lab if inks == [1, 0, 0, 0] else (max(0.0, 100 - 60 * sum(inks)), 0, 0)
        grid += [round(lightness * 2.55), 128 + a, 128 + b]
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + bytes(grid) + ramp * 3
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    text = b"text\0\0\0\0none\0"
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + bytes(78)
    tags, data, offset = [], b"", 128 + 4 + 12 * 4
    for signature, entry in ((b"A2B0", lut), (b"wtpt", white), (b"cprt", text), (b"desc", name)):
        tags.append(struct.pack(">4sII", signature, offset + len(data), len(entry)))
        data += entry + bytes(-len(entry) % 4)
    header = struct.pack(">I4sI4s4s4s", offset + len(data), b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48)
    return header + struct.pack(">I", 4) + b"".join(tags) + data


@pytest.mark.parametrize(("dtype", "maximum"), [(np.uint8, 255), (np.uint16, 65535)])
def test_every_level_survives_the_round_trip(dtype, maximum):
    levels = np.arange(maximum + 1, dtype=dtype)
    array = np.stack([levels, levels[::-1], levels], axis=-1).reshape(16, -1, 3)
    tensor = to_tensor(array)
    assert tensor.dtype == torch.float32 and tensor.shape == (3, *array.shape[:2])
    assert tensor.is_contiguous()
    back = to_array(tensor, bit_depth=8 if maximum == 255 else 16)
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, array)


def test_float_arrays_and_tensors_pass_through_unchanged():
    image = random_image()
    assert torch.equal(to_tensor(image), image)
    assert torch.equal(to_tensor(image.permute(1, 2, 0).numpy()), image)
    np.testing.assert_array_equal(to_array(image, 32), image.permute(1, 2, 0).numpy())


def test_levels_are_rounded_half_to_even():
    image = torch.full((3, 1, 4), 0.0)
    image[:, 0] = torch.tensor([0.5, 1.5, 2.5, 254.5]) / 255
    assert to_array(image)[0, :, 0].tolist() == [0, 2, 2, 254]


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1)])
def test_gray_array_gives_three_equal_channels(shape):
    array = np.arange(24, dtype=np.uint8).reshape(shape)
    tensor = to_tensor(array)
    assert torch.equal(tensor[0], tensor[1]) and torch.equal(tensor[0], tensor[2])
    np.testing.assert_array_equal(to_array(tensor)[..., 0], array.reshape(4, 6))


def test_alpha_is_left_out():
    array = np.random.default_rng(0).integers(0, 256, (4, 5, 4), np.uint8)
    np.testing.assert_array_equal(to_array(to_tensor(array)), array[..., :3])
    assert to_tensor(torch.rand(4, 2, 2)).shape == (3, 2, 2)
    assert to_tensor(torch.rand(1, 2, 2)).shape == (3, 2, 2)


def test_read_only_flipped_and_byte_swapped_arrays_are_accepted():
    array = np.random.default_rng(0).integers(0, 65536, (4, 5, 3), np.uint16)
    frozen = array.copy()
    frozen.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = to_tensor(array)
        assert torch.equal(to_tensor(frozen), expected)
        assert torch.equal(to_tensor(array[..., ::-1]), expected.flip(0))
        assert torch.equal(to_tensor(array.astype(">u2")), expected)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "I;16", "F"])
def test_every_pillow_mode_is_accepted(mode):
    tensor = to_tensor(Image.new(mode, (5, 3)))
    assert tensor.shape == (3, 3, 5) and tensor.dtype == torch.float32
    assert tensor.min() >= 0 and tensor.max() <= 1


def test_pillow_round_trip_with_alpha():
    array = np.random.default_rng(0).integers(0, 256, (4, 5, 4), np.uint8)
    picture = Image.fromarray(array)
    alpha = torch.from_numpy(array[None, ..., 3].astype(np.float32)) / 255
    back = to_pil(to_tensor(picture), alpha)
    assert back.mode == "RGBA"
    np.testing.assert_array_equal(np.array(back), array)
    assert to_pil(random_image()).mode == "RGB"


def test_pillow_integers_count_as_16_bit():
    picture = Image.fromarray(np.array([[0, 65535], [32768, 1]], np.int32))
    assert picture.mode == "I"
    assert to_tensor(picture)[0].flatten().tolist() == pytest.approx([0, 1, 32768 / 65535, 1 / 65535])
    with pytest.raises(InputError, match="70000"):
        to_tensor(Image.fromarray(np.array([[0, 70000]], np.int32)))


def test_cmyk_goes_through_its_profile():
    cyan = Image.new("CMYK", (2, 2), (255, 0, 0, 0))
    cyan.info["icc_profile"] = tiny_cmyk_profile(cyan_lab=(60, 40, 30))  # an ink that is red, to tell it from a formula
    shown = np.array(to_pil(to_tensor(cyan)))[0, 0].astype(int)
    expected = [217, 114, 94]  # Lab (60, 40, 30) through XYZ (D50) and the sRGB formulas
    assert abs(shown - expected).max() <= 6, shown


@pytest.mark.parametrize("profile", [None, b"rubbish", b"x" * 16 + b"CMYK" + b"x" * 200])
def test_cmyk_without_a_usable_profile_goes_by_the_plain_formula(profile):
    cyan = Image.new("CMYK", (2, 2), (255, 0, 0, 0))
    if profile is not None:
        cyan.info["icc_profile"] = profile
    assert np.array(to_pil(to_tensor(cyan)))[0, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((2, 3, 4, 3), np.uint8), "not an image"),
        (np.zeros((4, 4, 5), np.uint8), "not an image"),
        (np.zeros((0, 4, 3), np.uint8), "not an image"),
        (np.zeros((4, 4, 3), np.int64), "int64"),
        (np.zeros((4, 4, 3), bool), "bool"),
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.full((4, 4, 3), 255.0), "255"),
        (torch.full((3, 4, 4), float("nan")), "NaN"),
        (torch.full((3, 4, 4), -0.1), "-0.1"),
        (torch.full((3, 4, 4), float("inf")), "inf"),
        (torch.zeros(1, 3, 4, 4), "one image of the batch"),
        (torch.zeros(8, 8, 3), "permute"),
        (torch.zeros(3, 4, 4, dtype=torch.int64), "int64"),
        ("face.png", "str"),
    ],
)
def test_what_is_no_image_is_refused(value, message):
    with pytest.raises(InputError, match=message):
        to_tensor(value)


def test_outgoing_images_are_checked():
    with pytest.raises(InputError, match="NaN"):
        to_array(torch.full((3, 2, 2), float("nan")))
    with pytest.raises(InputError, match="bit_depth"):
        to_array(random_image(), bit_depth=12)
    with pytest.raises(InputError, match="same size"):
        to_pil(random_image(), torch.ones(1, 2, 2))
