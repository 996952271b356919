"""Start values of the main decoder that depend on what stage 1 learned.

The input reaches the answer only through offsets and modulation of the texture (and the last convolution). Two things
make that path weak at first: texture features are many times larger than the condition, so offsets hardly see the
input; and modulation multiplies a texture that changes sign from place to place. Both are set right here, without
changing the texture image: the quietest direction of each level's texture feature gets a constant, which the next
convolution's bias takes away again, and each tap's modulation of it is written to an output channel of its own.
"""

import torch
from torch import Tensor, nn

from vqfr_core.arch import VqfrV1
from vqfr_core.arch.config import level_names
from vqfr_core.arch.deform import TAPS
from vqfr_core.arch.warp import TextureWarp

from .data import Batch
from .state import nearest_code_of

PATH_LEVELS = ("Level_1", "Level_2", "Level_4", "Level_8")
CONSTANT = 4.0
"""Value of the quiet direction."""
GAIN = 2.0
"""Gain with which its modulation is written out."""


@torch.no_grad()
def hand_over(net: VqfrV1, batch: Batch) -> None:
    """Fit the start values of the main decoder to texture and condition of a batch of faces."""
    textures = net.decoder(nearest_code_of(net)(net.encoder(batch.sharp)))
    condition_std = float(net.inpfeat_extraction(batch.degraded).std())
    for name, warp in net.main_decoder.align_func_dict.items():
        assert isinstance(warp, TextureWarp)
        texture = textures[name]
        _balance(warp, condition_std, float(texture.std()), net.config.condition_channels)
        if name in PATH_LEVELS:
            quiet = quietest_direction(texture)
            mean = float(torch.einsum("bchw,c->bchw", texture, quiet).sum(1).mean())
            _add_constant(net, name, (CONSTANT - mean) * quiet)
            _write_modulation(warp.dcn.weight, GAIN * quiet)


def quietest_direction(feature: Tensor) -> Tensor:
    """The unit vector (C) along which a feature (B, C, H, W) varies least over positions."""
    tokens = feature.permute(0, 2, 3, 1).flatten(0, 2).double()
    return torch.linalg.eigh(torch.cov(tokens.T))[1][:, 0].to(feature.dtype)


def _balance(warp: TextureWarp, condition_std: float, texture_std: float, condition_channels: int) -> None:
    """Let offsets and modulation begin with three times as much of the condition as of the texture."""
    first = warp.offset_conv1[0]
    assert isinstance(first, nn.Conv2d)
    first.weight[:, :condition_channels] *= 3.0 / condition_std
    first.weight[:, condition_channels:] *= 1.0 / texture_std
    warp.dcn.weight.div_(texture_std)
    moves = warp.dcn.conv_offset.weight.shape[0] * 2 // 3
    warp.dcn.conv_offset.weight[:moves] *= 0.3
    warp.dcn.conv_offset.weight[moves:] *= 4.0


def _add_constant(net: VqfrV1, name: str, constant: Tensor) -> None:
    """Add `constant` (C) to the texture feature of one level, and take it away where the next level reads it.

    At Level_1 the reader is a normalisation of each channel, which takes it away by itself (32 channels, 32 groups).
    """
    last = net.decoder.get_submodule(f"decoder_dict.{name}")[-1].conv2  # type: ignore[index]
    last.bias += constant
    names = level_names(len(net.config.channels))
    if name != names[0]:
        reader = net.decoder.get_submodule(f"pre_upsample_dict.{names[names.index(name) - 1]}.conv")
        assert isinstance(reader, nn.Conv2d) and reader.bias is not None
        reader.bias -= reader.weight.sum((2, 3)) @ constant


def _write_modulation(weight: Tensor, direction: Tensor) -> None:
    """Output channel k of a deformable convolution (C, C, 3, 3) becomes tap k's modulation of `direction`."""
    for tap in range(TAPS):
        weight[tap] = 0.0
        weight[tap, :, tap // 3, tap % 3] = direction
