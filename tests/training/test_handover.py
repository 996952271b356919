from pathlib import Path

import torch

from training.data import make_batch, read_faces
from training.handover import CONSTANT, PATH_LEVELS, hand_over, quietest_direction
from training.state import nearest_code_of, new_state
from vqfr_core.arch import V1Config

TINY = V1Config(channels=(32,) * 6, encoder_blocks=1, decoder_blocks=1, num_codes=16, code_channels=8, deform_groups=1)


def test_quietest_direction() -> None:
    feature = torch.randn(2, 3, 16, 16) * torch.tensor([3.0, 0.1, 2.0]).view(1, 3, 1, 1)
    assert torch.allclose(quietest_direction(feature).abs(), torch.tensor([0.0, 1.0, 0.0]), atol=0.02)


@torch.no_grad()
def test_the_texture_gets_a_constant_and_its_image_stays(faces_tar: Path) -> None:
    batch = make_batch(read_faces(faces_tar, 1).training, 256, 1, 0, 0)
    net = new_state(TINY, 0, torch.device("cpu")).net

    def textures() -> dict[str, torch.Tensor]:
        return net.decoder(nearest_code_of(net)(net.encoder(batch.sharp)))

    before = textures()
    image = net.decoder.conv_out(before["Level_1"].clone())
    hand_over(net, batch)
    after = textures()
    for name in PATH_LEVELS:
        quiet = quietest_direction(before[name])
        found = torch.einsum("bchw,c->bhw", after[name], quiet)
        # The border is disturbed by what the zero padding of the coarser levels does not have.
        assert abs(found.median() - CONSTANT) < 0.2, name
    change = (net.decoder.conv_out(after["Level_1"].clone()) - image).abs()
    assert change[..., 96:160, 96:160].mean() < 0.2 * image.std()
