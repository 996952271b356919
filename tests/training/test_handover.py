from pathlib import Path

import pytest
import torch

from training.data import make_batch
from training.faces import read_faces
from training.handover import CONSTANT, PATH_LEVELS, TEXTURE_SHARE, hand_over, quietest_direction
from training.networks import answer, code_features, decode_texture, entries_of, nearest, with_levels
from training.state import new_state
from vqfr_core.networks.vqfr import V1Config

TINY = V1Config(channels=(32,) * 6, encoder_blocks=1, decoder_blocks=1, num_codes=16, code_channels=8, deform_groups=1)


def test_quietest_direction() -> None:
    feature = torch.randn(2, 3, 16, 16) * torch.tensor([3.0, 0.1, 2.0]).view(1, 3, 1, 1)
    assert torch.allclose(quietest_direction(feature, 3).abs(), torch.tensor([0.0, 1.0, 0.0]), atol=0.02)
    pairs = torch.randn(2, 4, 16, 16) * torch.tensor([0.1, 3.0, 1.0, 1.0]).view(1, 4, 1, 1)
    found = quietest_direction(pairs, 2)
    assert torch.allclose(found.abs(), torch.tensor([0.0, 0.0, 0.5**0.5, 0.5**0.5]), atol=0.1) and found[2] == found[3]


@torch.no_grad()
def test_the_texture_gets_a_constant_and_its_image_stays(faces_tar: Path) -> None:
    batch = make_batch(read_faces(faces_tar, 1).training, 256, 1, 0, True, 0).on(torch.device("cpu"))
    net = new_state(TINY, 0, torch.device("cpu")).net

    def textures() -> dict[str, torch.Tensor]:
        z = code_features(net, batch.sharp)
        return decode_texture(net, entries_of(net, nearest(net, z), z))

    before = textures()
    image = net.decoder.conv_out(before["Level_1"].clone())
    hand_over(net, batch)
    after = textures()
    for name in PATH_LEVELS:
        quiet = quietest_direction(before[name], 16 if name == "Level_1" else 32)
        found = torch.einsum("bchw,c->bhw", after[name], quiet)
        # The border is disturbed by what the zero padding of the coarser levels does not have.
        assert abs(found.median() - CONSTANT) < 0.2, name
    change = (net.decoder.conv_out(after["Level_1"].clone()) - image).abs()
    assert change[..., 96:160, 96:160].mean() < 0.2 * image.std()


@pytest.mark.parametrize("levels", [5, 6])
@torch.no_grad()
def test_the_first_answer_is_a_mixture_of_input_and_texture(faces_tar: Path, levels: int) -> None:
    batch = make_batch(read_faces(faces_tar, 1).training, 256, 1, 0, True, 0).on(torch.device("cpu"))
    net = new_state(with_levels(TINY, levels), 0, torch.device("cpu")).net
    hand_over(net, batch)
    z = code_features(net, batch.degraded)
    textures = decode_texture(net, entries_of(net, nearest(net, z), z))
    image = net.decoder.conv_out(textures["Level_1"].clone())
    for warp in net.main_decoder.align_func_dict.children():
        warp.dcn.conv_offset.weight.zero_()
    mixture = (1 - TEXTURE_SHARE) * batch.degraded + TEXTURE_SHARE * image
    change = (answer(net, textures, batch.degraded) - mixture).abs()
    assert change[..., 96:160, 96:160].mean() < 0.1 * (batch.degraded - image).abs().mean()
