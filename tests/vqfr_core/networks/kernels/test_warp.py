"""Which way the deformable convolution of a network in training goes."""

import torch

from training.state import new_state
from vqfr_core.networks.kernels.warp import FastDeformConv
from vqfr_core.networks.vqfr import V1Config, VqfrV1

TINY = V1Config(channels=(32,) * 6, encoder_blocks=1, decoder_blocks=1, num_codes=16, code_channels=8, deform_groups=2)


def test_names_weights_and_answers_stay() -> None:
    net = new_state(TINY, 0, torch.device("cpu")).net.eval()
    assert isinstance(net.main_decoder.align_func_dict["Level_1"].dcn, FastDeformConv)
    plain = VqfrV1(TINY).eval()
    plain.load_state_dict(net.state_dict())
    x = torch.rand(1, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        assert torch.allclose(plain(x), net(x), atol=1e-5)
