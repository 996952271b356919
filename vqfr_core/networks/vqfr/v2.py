"""VQFR v2: predicted codes, attention at 16 px, and a head that adds the main branch to the texture by `fidelity`."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import InputError
from ..fidelity import DEFAULT_FIDELITY
from ..precision import full_float32
from .blocks import AttentionBlock, ResidualBlock, conv3x3, norm_act_conv
from .config import V2Config, level_names
from .mixture import Fidelity, as_factor, known_range
from .network import Features, VqfrNetwork
from .texture_warp import WarpingDecoder
from .upsample import UpsampleConv
from .v1 import nearest_code


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.conv(F.pad(x, (0, 1, 0, 1)))
        return answer


class Upsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = UpsampleConv(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.conv(x)
        return answer


def level_blocks(in_channels: int, out_channels: int, count: int, attention: bool) -> list[nn.Module]:
    """Residual blocks of one level; at the deepest each is followed by attention."""
    blocks: list[nn.Module] = []
    for i in range(count):
        blocks.append(ResidualBlock(in_channels if i == 0 else out_channels, out_channels, "residual_func"))
        if attention:
            blocks.append(AttentionBlock(out_channels))
    return blocks


def middle_blocks(channels: int) -> nn.Sequential:
    def residual() -> ResidualBlock:
        return ResidualBlock(channels, channels, "residual_func")

    return nn.Sequential(residual(), AttentionBlock(channels), residual())


class Encoder(nn.Module):
    """Image (B, 3, H, W) -> feature (B, D, H / 32, W / 32), one token for each code."""

    def __init__(self, config: V2Config) -> None:
        super().__init__()
        channels, deepest = config.channels, len(config.channels) - 1
        self.conv_in = conv3x3(3, channels[0])
        self.blocks = nn.ModuleList()
        for i, width in enumerate(channels):
            start = [Downsample(channels[i - 1])] if i else []
            blocks = level_blocks(channels[max(i - 1, 0)], width, config.encoder_blocks, attention=i == deepest)
            self.blocks.append(nn.Sequential(*start, *blocks))
        self.mid_blocks = middle_blocks(channels[-1])
        self.conv_out = norm_act_conv(channels[-1], config.code_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for blocks in self.blocks:
            x = blocks(x)
        answer: Tensor = self.conv_out(self.mid_blocks(x))
        return answer


class TextureDecoder(nn.Module):
    """Codes' entries (B, D, h, w) -> texture features by level; `conv_out` is the head that makes the image."""

    def __init__(self, config: V2Config) -> None:
        super().__init__()
        channels, deepest = config.channels, len(config.channels) - 1
        self.conv_in = conv3x3(config.code_channels, channels[-1])
        self.mid_blocks = middle_blocks(channels[-1])
        self.blocks = nn.ModuleList()
        for i in reversed(range(len(channels))):
            coarser = channels[min(i + 1, deepest)]
            start = [Upsample(coarser)] if i < deepest else []
            blocks = level_blocks(coarser, channels[i], config.decoder_blocks, attention=i == deepest)
            self.blocks.append(nn.Sequential(*start, *blocks))
        self.conv_out = norm_act_conv(channels[0], 3)
        self.level_names = list(reversed(level_names(len(channels))))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.mid_blocks(self.conv_in(x))
        textures = {}
        for name, blocks in zip(self.level_names, self.blocks, strict=True):
            x = blocks(x)
            textures[name] = x
        return textures


def upsample_main(in_channels: int, out_channels: int) -> nn.Sequential:
    """Nearest x2 and 3x3; the published names count the upsampling itself as index 0."""
    return nn.Sequential(nn.Identity(), UpsampleConv(in_channels, out_channels))


class MainBranch(WarpingDecoder):
    """Warps the texture onto the input, level by level; ends in a feature of the texture's shape."""

    def __init__(self, config: V2Config) -> None:
        super().__init__(config, upsample_main, "residual_func", condition_conv=False)

    def forward(self, textures: dict[str, Tensor], condition: Tensor) -> Tensor:
        """Textures by level (emptied on the way), condition (B, K, H, W) -> (B, C1, H, W)."""
        return self.decode(textures, condition)


class Codebook(nn.Module):
    """The learned entries."""

    def __init__(self, num_codes: int, code_channels: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_codes, code_channels)


class VqfrV2(VqfrNetwork):
    """VQFR v2: answer = head(texture + fidelity * main)."""

    config: V2Config
    generation = 2
    full_precision_parts = ("encoder", "feat2index", "quantizer")

    def __init__(self, config: V2Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.feat2index: nn.Sequential | None = None
        if config.predicts_codes:
            self.feat2index = nn.Sequential(
                nn.LayerNorm(config.code_channels), nn.Linear(config.code_channels, config.num_codes)
            )
        self.decoder = TextureDecoder(config)
        self.main_branch = MainBranch(config)
        self.inpfeat_extraction = conv3x3(3, config.condition_channels)
        self.quantizer = Codebook(config.num_codes, config.code_channels)

    def sweep(self, x: Tensor, fidelities: Sequence[Fidelity]) -> list[Tensor]:
        """The answers for several fidelities: everything before the head is computed once."""
        image = self.prepare(x)
        has_main = any(_as_strength(fidelity, image) is not None for fidelity in fidelities)
        features = self.features(image, with_main=has_main)
        return [self.head(features, fidelity).to(x.dtype) for fidelity in fidelities]

    def features(self, x: Tensor, with_main: bool = True) -> Features:
        """Everything that does not depend on fidelity; without the main branch it is for fidelity 0 only."""
        image = self.prepare(x)
        textures = self._textures(image)
        texture = textures["Level_1"]
        main = self.main_branch(textures, self.inpfeat_extraction(self.halved(image))) if with_main else None
        return Features(texture, main)

    def head(self, features: Features, fidelity: Fidelity = DEFAULT_FIDELITY) -> Tensor:
        """The result (B, 3, H, W) of features at a fidelity, see `forward`; a small part of the total work."""
        texture, main = features
        assert texture is not None
        strength = _as_strength(fidelity, texture)
        if strength is not None and main is None:
            raise InputError("these features were made without the main branch, for fidelity 0 only")
        mixed = texture if strength is None or main is None else torch.addcmul(texture, main, strength)
        answer: Tensor = self.decoder.conv_out(mixed)
        return answer

    def codes(self, x: Tensor) -> Tensor:
        """Index of the codebook entry of each 32 px patch, row by row: int64 (B, H / 32 * W / 32)."""
        return self._codes(self.prepare(x)).flatten(1)

    @full_float32()
    def _codes(self, image: Tensor) -> Tensor:
        """int64 (B, h, w)."""
        feature = self.encoder(image)
        tokens = feature.flatten(2).transpose(1, 2).to(self.quantizer.embedding.weight.dtype)
        if self.feat2index is None:
            codes = nearest_code(tokens, self.quantizer.embedding.weight)
        else:
            codes = self.feat2index(tokens).argmax(-1)
        answer: Tensor = codes.unflatten(1, feature.shape[-2:])
        return answer

    def _textures(self, image: Tensor) -> dict[str, Tensor]:
        entries = self.quantizer.embedding(self._codes(image)).permute(0, 3, 1, 2)
        answer: dict[str, Tensor] = self.decoder(self.halved(entries))
        return answer


def _as_strength(fidelity: Fidelity, image: Tensor) -> Tensor | None:
    """A factor that broadcasts to (B, 1, H, W); None if it is known to be zero without a device sync."""
    if not isinstance(fidelity, Tensor) and known_range(fidelity) == (0, 0):
        return None
    return as_factor(fidelity, image, image.dtype)
