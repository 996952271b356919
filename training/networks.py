"""The differences between the generations in training: where the codebook is, and how the parts connect."""

import dataclasses

import torch
from torch import Tensor, nn

from vqfr_core.networks.vqfr import V1Config, V2Config, VqfrV1, VqfrV2
from vqfr_core.networks.vqfr.v1 import nearest_code

Vqfr = VqfrV1 | VqfrV2

SMALL_V1 = V1Config(channels=(32, 32, 64, 128, 128, 256), encoder_blocks=1, decoder_blocks=2, deform_groups=2)
"""The embedded network: 12.5 million parameters."""
SMALL_V2 = V2Config(
    channels=(32, 32, 64, 128, 128, 160), encoder_blocks=1, decoder_blocks=1, deform_groups=1, predicts_codes=False
)
"""A v2 of that size, with nearest codes: 10.6 million parameters."""
SIZES: dict[str, V1Config | V2Config] = {"v1": SMALL_V1, "v2": SMALL_V2}


def with_levels(config: V1Config | V2Config, levels: int) -> V1Config | V2Config:
    """A network with fewer or more levels, and so a code for each patch of 2^(levels - 1) px.

    The deepest level keeps its width; above it, levels are left out, or get the same width.
    """
    *above, deepest = config.channels
    widths = [*above, *[deepest] * levels][: levels - 1]
    return dataclasses.replace(config, channels=(*widths, deepest))


def build(config: V1Config | V2Config) -> Vqfr:
    return VqfrV1(config) if isinstance(config, V1Config) else VqfrV2(config)


def code_table(net: Vqfr) -> Tensor:
    """The codebook (K, D)."""
    return net.quantizer.code.embedding.weight if isinstance(net, VqfrV1) else net.quantizer.embedding.weight


def code_features(net: Vqfr, image: Tensor) -> Tensor:
    """Image (B, 3, H, W) -> float32 (B, D, h, w), a code for each patch, before replacement by the nearest ones."""
    feature: Tensor = net.encoder(image)
    # As in inference, codes are chosen in float32.
    with torch.autocast(image.device.type, enabled=False):
        feature = feature.float()
        if isinstance(net, VqfrV1):
            feature = net.quantizer.code.quant_conv(feature)
        return feature


def nearest(net: Vqfr, z: Tensor) -> Tensor:
    """(B, D, h, w) -> int64 (B, h * w)."""
    return nearest_code(z.flatten(2).transpose(1, 2), code_table(net))


def distances(net: Vqfr, z: Tensor) -> Tensor:
    """(B, D, h, w) -> squared distances to all entries (B, h * w, K)."""
    tokens, table = z.flatten(2).transpose(1, 2).float(), code_table(net)
    return tokens.square().sum(2, keepdim=True) + table.square().sum(1) - 2 * tokens @ table.T


def entries_of(net: Vqfr, codes: Tensor, like: Tensor) -> Tensor:
    """int64 (B, h * w) -> the codes' entries (B, D, h, w) in the shape of `like`."""
    entries: Tensor = nn.functional.embedding(codes, code_table(net)).transpose(1, 2).unflatten(2, like.shape[-2:])
    return entries


def decode_texture(net: Vqfr, entries: Tensor) -> dict[str, Tensor]:
    """(B, D, h, w) -> texture features by level."""
    if isinstance(net, VqfrV1):
        entries = net.quantizer.code.post_quant_conv(entries)
    textures: dict[str, Tensor] = net.decoder(entries)
    return textures


def answer(net: Vqfr, textures: dict[str, Tensor], degraded: Tensor) -> Tensor:
    """The restored image (B, 3, H, W), of a v2 at fidelity 1. Empties `textures`."""
    condition = net.inpfeat_extraction(degraded)
    restored: Tensor
    if isinstance(net, VqfrV1):
        restored = net.main_decoder(textures, condition, degraded)
    else:
        texture = textures["Level_1"]
        restored = net.decoder.conv_out(texture + net.main_branch(textures, condition))
    return restored


def main_part(net: Vqfr) -> nn.Module:
    """The part that warps the texture onto the input."""
    return net.main_decoder if isinstance(net, VqfrV1) else net.main_branch


def encoder_parameters(net: Vqfr) -> list[nn.Parameter]:
    """The part from the image to the codes."""
    projection = net.quantizer.code.quant_conv.parameters() if isinstance(net, VqfrV1) else ()
    return [*net.encoder.parameters(), *projection]


def texture_parameters(net: Vqfr) -> list[nn.Parameter]:
    """The part from the codes to the texture."""
    projection = net.quantizer.code.post_quant_conv.parameters() if isinstance(net, VqfrV1) else ()
    return [*projection, *net.decoder.parameters()]


def main_parameters(net: Vqfr) -> list[nn.Parameter]:
    return [*net.inpfeat_extraction.parameters(), *main_part(net).parameters()]
