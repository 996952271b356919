"""Small operations against the original evaluated in float64."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vqfr_core.networks.vqfr.blocks import AttentionBlock, group_norm, resize_bilinear
from vqfr_core.networks.vqfr.deform import deform_conv2d
from vqfr_core.networks.vqfr.upsample import upsample_nearest_conv
from vqfr_core.networks.vqfr.v1 import nearest_code
from vqfr_core.networks.vqfr.v2 import Downsample

TOLERANCE = 5e-5


@pytest.fixture(scope="module")
def golden(reference_dir):
    with np.load(reference_dir / "golden_units.npz") as file:
        return {name: torch.from_numpy(file[name]) for name in file.files if file[name].dtype != np.dtype("U")}


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.inference_mode():
        yield


def assert_near(found: torch.Tensor, truth: torch.Tensor) -> None:
    assert found.shape == truth.shape
    assert (found - truth).abs().max() <= TOLERANCE * truth.std()


@pytest.mark.parametrize("case", ["deform_small", "deform_wide", "deform_edge"])
def test_deformable_convolution(golden, case):
    arguments = (golden[f"{case}/{name}"] for name in ("x", "offset", "mask", "weight", "bias"))
    assert_near(deform_conv2d(*arguments), golden[f"{case}/out"])


@pytest.mark.parametrize("factor", [2, 4, 8, 16, 32])
def test_bilinear_reduction(golden, factor):
    assert_near(resize_bilinear(golden["resize/x"], 1 / factor), golden[f"resize/down{factor}"])


def test_bilinear_enlargement(golden):
    assert_near(resize_bilinear(golden["resize/x"], 2), golden["resize/up2_bilinear"])


def test_strided_convolution_pads_right_and_below(golden):
    layer = Downsample(8)
    layer.conv.load_state_dict({name: golden[f"down_conv/{name}"] for name in ("weight", "bias")})
    assert_near(layer(golden["down_conv/x"]), golden["down_conv/out"])


def test_nearest_code_takes_the_first_of_equals(golden):
    codes = nearest_code(golden["nearest/z"][None], golden["nearest/codebook"])
    assert torch.equal(codes[0], golden["nearest/codes"].long())


def test_attention(golden):
    block = AttentionBlock(64)
    block.load_state_dict({name: golden[f"attention/{name}"] for name in block.state_dict()})
    assert_near(block(golden["attention/x"]), golden["attention/out"])


def test_group_norm(golden):
    norm = group_norm(64)
    norm.load_state_dict({name: golden[f"group_norm/{name}"] for name in ("weight", "bias")})
    assert_near(norm(golden["group_norm/x"]), golden["group_norm/out"])


def test_upsampling_at_low_resolution_equals_nearest_then_convolution():
    generator = torch.Generator().manual_seed(0)
    x, weight, bias = (torch.randn(s, generator=generator) for s in ((2, 6, 5, 7), (4, 6, 3, 3), (4,)))
    plain = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight, bias, padding=1)
    assert_near(upsample_nearest_conv(x, weight, bias), plain)
