"""VQFR v1 (Gu et al., ECCV 2022, arXiv 2205.06803): nearest codes, and a main decoder that ends on the input itself.

The paper's v1 has no fidelity; this one goes from the texture image at 0 to the published answer at the default.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, cat, nn

from ...errors import InputError
from ..fidelity import DEFAULT_FIDELITY
from ..precision import full_float32
from .blocks import ResidualBlock, conv3x3, group_norm, norm_act_conv, resize_bilinear
from .config import V1Config, level_names
from .mixture import Fidelity, as_factor, known_range, mix_images
from .network import Features, VqfrNetwork
from .texture_warp import WarpingDecoder


class Downsample(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = conv3x3(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.conv(resize_bilinear(x, 0.5))
        return answer


class Upsample(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = conv3x3(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return resize_bilinear(self.conv(x), 2)


def residual_blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels, channels, "shortcut_conv") for _ in range(count)))


class Encoder(nn.Module):
    """Image (B, 3, H, W) -> feature (B, C, H / 32, W / 32)."""

    def __init__(self, config: V1Config) -> None:
        super().__init__()
        channels, names = config.channels, level_names(len(config.channels))
        self.conv_in = conv3x3(3, channels[0])
        self.pre_downsample_dict = nn.ModuleDict(
            {names[i]: Downsample(channels[i - 1], channels[i]) for i in range(1, len(names))}
        )
        self.encoder_dict = nn.ModuleDict(
            {name: residual_blocks(c, config.encoder_blocks) for name, c in zip(names, channels, strict=True)}
        )
        self.enc_convout_dict = nn.ModuleDict({names[-1]: norm_act_conv(channels[-1], channels[-1])})

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for name, blocks in self.encoder_dict.items():
            if name in self.pre_downsample_dict:
                x = self.pre_downsample_dict[name](x)
            x = blocks(x)
        answer: Tensor = self.enc_convout_dict[name](x)
        return answer


class NearestCode(nn.Module):
    """Replaces each position by the nearest entry of the codebook (section 3.2)."""

    def __init__(self, channels: int, num_codes: int, code_channels: int) -> None:
        super().__init__()
        self.quant_conv = nn.Conv2d(channels, code_channels, 1)
        self.post_quant_conv = nn.Conv2d(code_channels, channels, 1)
        self.embedding = nn.Embedding(num_codes, code_channels)

    def forward(self, x: Tensor) -> Tensor:
        z = self.project(x)
        answer: Tensor = self.post_quant_conv(self.lookup(self.nearest(z), *z.shape[-2:]))
        return answer

    def project(self, x: Tensor) -> Tensor:
        """Encoder feature (B, C, h, w) -> (B, D, h, w), in the codebook's space and dtype."""
        answer: Tensor = self.quant_conv(x.to(self.quant_conv.weight.dtype))
        return answer

    def nearest(self, z: Tensor) -> Tensor:
        """(B, D, h, w) -> int64 (B, h * w), row by row; the first of equally near entries."""
        return nearest_code(z.flatten(2).transpose(1, 2), self.embedding.weight)

    def lookup(self, codes: Tensor, height: int, width: int) -> Tensor:
        """int64 (B, h * w) -> (B, D, h, w)."""
        answer: Tensor = self.embedding(codes).transpose(1, 2).unflatten(2, (height, width))
        return answer


def nearest_code(tokens: Tensor, codebook: Tensor) -> Tensor:
    """Index of the nearest row of `codebook` (K, D) in L2 for each of `tokens` (B, N, D): int64 (B, N)."""
    tokens, codebook = tokens.float(), codebook.float()
    # |z - e|^2 without |z|^2, which is the same for every entry.
    return (codebook.square().sum(1) - 2 * tokens @ codebook.T).argmin(-1)


class Quantizer(nn.Module):
    """Holds the codebook of the deepest level under its published name."""

    def __init__(self, level_name: str, code: NearestCode) -> None:
        super().__init__()
        self.quantize_dict = nn.ModuleDict({level_name: code})

    @property
    def code(self) -> NearestCode:
        (code,) = self.quantize_dict.values()
        assert isinstance(code, NearestCode)
        return code


class TextureDecoder(nn.Module):
    """Quantized feature -> texture features of all levels; `conv_out` makes the texture image of the finest."""

    def __init__(self, config: V1Config) -> None:
        super().__init__()
        channels, names = config.channels, level_names(len(config.channels))
        self.decoder_dict = nn.ModuleDict(
            {names[i]: residual_blocks(channels[i], config.decoder_blocks) for i in reversed(range(len(names)))}
        )
        self.pre_upsample_dict = nn.ModuleDict(
            {names[i]: Upsample(channels[i + 1], channels[i]) for i in reversed(range(len(names) - 1))}
        )
        self.conv_out = norm_act_conv(channels[0], 3)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        textures = {}
        for name, blocks in self.decoder_dict.items():
            if name in self.pre_upsample_dict:
                x = self.pre_upsample_dict[name](x)
            x = blocks(x)
            textures[name] = x
        return textures


class MainDecoder(WarpingDecoder):
    """Warps the texture onto the input, level by level, and ends on the input itself (section 3.3)."""

    def __init__(self, config: V1Config) -> None:
        super().__init__(config, Upsample, "shortcut_conv", condition_conv=True)
        self.conv_out_1 = nn.Sequential(group_norm(config.channels[0]), nn.SiLU(inplace=True))
        self.conv_out = nn.Sequential(conv3x3(config.channels[0] + 3, 3))

    def forward(self, textures: dict[str, Tensor], condition: Tensor, x: Tensor) -> Tensor:
        """Textures by level (emptied on the way), condition (B, K, H, W), input (B, 3, H, W) -> (B, 3, H, W)."""
        answer: Tensor = self.conv_out(cat([self.conv_out_1(self.decode(textures, condition)), x], dim=1))
        return answer


class ConditionExtraction(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = conv3x3(3, channels)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.conv(x)
        return answer


class VqfrV1(VqfrNetwork):
    """VQFR v1. From the default fidelity on it gives the published answer, bit for bit; at 0 the texture image."""

    config: V1Config
    generation = 1
    full_precision_parts = ("encoder", "quantizer")

    def __init__(self, config: V1Config) -> None:
        super().__init__()
        self.config = config
        deepest = level_names(len(config.channels))[-1]
        self.inpfeat_extraction = ConditionExtraction(config.condition_channels)
        self.encoder = Encoder(config)
        self.decoder = TextureDecoder(config)
        self.main_decoder = MainDecoder(config)
        self.quantizer = Quantizer(deepest, NearestCode(config.channels[-1], config.num_codes, config.code_channels))

    def sweep(self, x: Tensor, fidelities: Sequence[Fidelity]) -> list[Tensor]:
        """The answers for several fidelities. An image that none of them needs is not made."""
        image = self.prepare(x)
        ranges = [known_range(fidelity) for fidelity in fidelities]
        features = self.features(
            image,
            with_texture=any(least < DEFAULT_FIDELITY for least, _ in ranges),
            with_main=any(greatest > 0 for _, greatest in ranges),
        )
        return [self.head(features, fidelity).to(x.dtype) for fidelity in fidelities]

    def features(self, x: Tensor, with_texture: bool = True, with_main: bool = True) -> Features:
        """The texture image and the published answer; one alone is for fidelities that need no other."""
        image = self.prepare(x)
        textures = self._textures(image)
        # First, because the main decoder empties `textures`.
        texture = self.decoder.conv_out(textures["Level_1"]) if with_texture else None
        image = self.halved(image)
        main = self.main_decoder(textures, self.inpfeat_extraction(image), image) if with_main else None
        return Features(texture, main)

    def head(self, features: Features, fidelity: Fidelity = DEFAULT_FIDELITY) -> Tensor:
        """The result (B, 3, H, W) of features at a fidelity, see `forward`; no network runs."""
        texture, main = features
        image = texture if main is None else main
        assert image is not None
        share = as_factor(fidelity, image, torch.float32) / DEFAULT_FIDELITY
        least, greatest = known_range(fidelity)
        if main is not None and least >= DEFAULT_FIDELITY:
            return main
        if texture is not None and greatest <= 0:
            return texture
        if texture is None or main is None:
            raise InputError("these features lack an image that this fidelity needs")
        return mix_images(texture, main, share)

    def codes(self, x: Tensor) -> Tensor:
        """Index of the codebook entry of each 32 px patch, row by row: int64 (B, H / 32 * W / 32)."""
        code = self.quantizer.code
        with full_float32():
            return code.nearest(code.project(self.encoder(self.prepare(x))))

    def _textures(self, image: Tensor) -> dict[str, Tensor]:
        with full_float32():
            quantized = self.quantizer.code(self.encoder(image))
        answer: dict[str, Tensor] = self.decoder(self.halved(quantized))
        return answer
