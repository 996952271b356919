"""Initial values of the main decoder that depend on what stage 1 learned.

The input reaches the answer only through offsets and modulation of the texture (and the last convolution). Two things
make that path weak at first: texture features are many times larger than the condition, so offsets hardly see the
input; and modulation multiplies a texture whose sign varies. Both are corrected here, without changing the texture
image: the quietest direction of each level's texture feature gets a constant, which the next convolution's bias removes
again, and each tap's modulation of it is written to its own output channel. At Level_1 it is added to the texture
itself, which becomes the answer as stage 1 learned: the first answer is a mixture of input and texture image. A v2,
whose answer starts as the texture image, only gets the first of the two.
"""

import torch
from torch import Tensor, nn

from vqfr_core.networks.vqfr import VqfrV1
from vqfr_core.networks.vqfr.blocks import ResidualBlock, group_norm
from vqfr_core.networks.vqfr.config import level_names
from vqfr_core.networks.vqfr.deform_gather import TAPS
from vqfr_core.networks.vqfr.texture_warp import TextureWarp

from .data import Batch
from .networks import Vqfr, code_features, decode_texture, entries_of, main_part, nearest

PATH_LEVELS = ("Level_1", "Level_2", "Level_4", "Level_8")
CONSTANT = 4.0
"""Value of the quiet direction."""
GAIN = 2.0
"""Gain with which its modulation is written out, relative to a texture of standard deviation 1."""
TEXTURE_SHARE = 0.4
"""Share of the texture image in the first answer; the rest is the input. On four degraded validation faces 0.5 had a
lower LPIPS than 0.3; more of the input leaves less to be learned on faces that are hardly degraded."""


@torch.no_grad()
def hand_over(net: Vqfr, batch: Batch) -> None:
    """Fit the initial values of the main decoder to texture and condition of a batch of faces."""
    z = code_features(net, batch.sharp)
    textures = decode_texture(net, entries_of(net, nearest(net, z), z))
    condition_std = float(net.inpfeat_extraction(batch.degraded).std())
    for name, warp in main_part(net).get_submodule("align_func_dict").named_children():
        assert isinstance(warp, TextureWarp)
        texture = textures[name]
        _balance(warp, condition_std, float(texture.std()), net.config.condition_channels)
        if isinstance(net, VqfrV1) and name in PATH_LEVELS:
            quiet = quietest_direction(texture, _groups_of_reader(net, name))
            mean = float(torch.einsum("bchw,c->bchw", texture, quiet).sum(1).mean())
            _add_constant(net, name, (CONSTANT - mean) * quiet)
            if name == "Level_1":
                _bring_texture_to_answer(net, float(texture.std()))
                _add_modulation(warp, 0.25 * GAIN * quiet)
            else:
                warp.dcn.weight[:TAPS] = 0.0
                _add_modulation(warp, GAIN * quiet)


def quietest_direction(feature: Tensor, num_groups: int) -> Tensor:
    """The unit vector (C), equal within each group of channels, along which a feature (B, C, H, W) varies least."""
    tokens = feature.permute(0, 2, 3, 1).flatten(0, 2).unflatten(1, (num_groups, -1)).double().mean(2)
    quiet = torch.linalg.eigh(torch.cov(tokens.T))[1][:, 0].repeat_interleave(feature.shape[1] // num_groups)
    unit: Tensor = quiet / quiet.norm()
    return unit.to(feature.dtype)


def _groups_of_reader(net: VqfrV1, name: str) -> int:
    """How many groups of channels must share a constant: those of the normalisation at Level_1, else each its own."""
    index = level_names(len(net.config.channels)).index(name)
    return group_norm(net.config.channels[0]).num_groups if index == 0 else net.config.channels[index]


def _balance(warp: TextureWarp, condition_std: float, texture_std: float, condition_channels: int) -> None:
    """Let offsets and modulation start with three times as much of the condition as of the texture.

    Extra constants let the first group normalisation keep brightness and contrast (`state.initialise`).
    """
    first = warp.offset_conv1[0]
    assert isinstance(first, nn.Conv2d)
    first.weight[:, :condition_channels] *= 3.0 / condition_std
    first.weight[:, condition_channels:] *= 1.0 / texture_std
    assert first.bias is not None
    first.bias.copy_(torch.randn(len(first.bias), generator=torch.Generator().manual_seed(len(first.bias))))
    warp.dcn.weight.div_(texture_std)
    moves = warp.dcn.conv_offset.weight.shape[0] * 2 // 3
    warp.dcn.conv_offset.weight[:moves] *= 0.3
    warp.dcn.conv_offset.weight[moves:] *= 4.0


def _add_constant(net: VqfrV1, name: str, constant: Tensor) -> None:
    """Add `constant` (C) to the texture feature of one level, and subtract it where the next level reads it.

    At Level_1 the reader is a group normalisation, which removes what all channels of a group share.
    """
    last = net.decoder.get_submodule(f"decoder_dict.{name}")[-1].conv2  # type: ignore[index]
    last.bias += constant
    names = level_names(len(net.config.channels))
    if name != names[0]:
        reader = net.decoder.get_submodule(f"pre_upsample_dict.{names[names.index(name) - 1]}.conv")
        assert isinstance(reader, nn.Conv2d) and reader.bias is not None
        reader.bias -= reader.weight.sum((2, 3)) @ constant


def _add_modulation(warp: TextureWarp, direction: Tensor) -> None:
    """Add tap k's modulation of `direction` to output channel k, minus what half modulation gives."""
    for tap in range(TAPS):
        warp.dcn.weight[tap, :, tap // 3, tap % 3] += direction
        warp.dcn.bias[tap] -= 0.5 * CONSTANT * direction.norm()


def _bring_texture_to_answer(net: VqfrV1, texture_std: float) -> None:
    """Let the texture bypass Level_1, scaled so that the block can add to it, and end as in stage 1."""
    main, head, channels = net.main_decoder, net.decoder.conv_out, net.config.channels[0]
    warp, block = main.align_func_dict["Level_1"], main.decoder_dict["Level_1"]
    assert isinstance(warp, TextureWarp)
    warp.dcn.weight.zero_()
    warp.dcn.weight[range(channels), range(channels), 1, 1] = 2.0 / texture_std  # half modulation halves it
    shortcut = block.get_submodule("shortcut_conv")
    assert isinstance(shortcut, nn.Conv2d) and isinstance(block, ResidualBlock)
    shortcut.weight[:, :channels] *= 0.1
    shortcut.weight[:, channels:] = torch.eye(channels)[:, :, None, None]
    shortcut.bias.zero_()  # type: ignore[union-attr]
    block.conv2.weight *= 0.1
    block.conv2.bias.zero_()  # type: ignore[union-attr]
    main.conv_out_1[0].load_state_dict(head[0].state_dict())
    last, of_head = main.conv_out[0], head[2]
    assert isinstance(last, nn.Conv2d) and isinstance(of_head, nn.Conv2d)
    assert last.bias is not None and of_head.bias is not None
    last.weight *= 1 - TEXTURE_SHARE
    last.weight[:, :channels] = TEXTURE_SHARE * of_head.weight
    last.bias.copy_(TEXTURE_SHARE * of_head.bias)
