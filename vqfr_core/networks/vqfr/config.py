"""Sizes of a network, read from the shapes of its weights."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ...errors import WeightsError


def level_names(num_levels: int) -> list[str]:
    """Level_1 (full resolution), Level_2, Level_4, ...: named after their downsampling."""
    return [f"Level_{2**i}" for i in range(num_levels)]


@dataclass(frozen=True)
class Config:
    """Sizes both generations have in common."""

    channels: tuple[int, ...]
    """Feature channels from Level_1 to Level_32."""
    encoder_blocks: int = 2
    """Residual blocks per level in the encoder."""
    decoder_blocks: int = 2
    """Residual blocks per level in the texture decoder."""
    num_codes: int = 1024
    """Entries of the codebook."""
    code_channels: int = 256
    """Length of a codebook entry."""
    condition_channels: int = 32
    """Channels of the input feature that steers the warping."""
    deform_groups: int = 4
    """Groups of channels that are warped together."""


@dataclass(frozen=True)
class V1Config(Config):
    """Sizes of a VQFR v1. The defaults are those of the published weights."""

    channels: tuple[int, ...] = (128, 128, 256, 256, 256, 512)
    decoder_blocks: int = 3

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Tensor]) -> "V1Config":
        """Read the sizes from a v1 checkpoint; WeightsError if a tensor they are read from is missing."""
        warp = "main_decoder.align_func_dict.Level_1"
        num_levels = _count(state, r"decoder\.decoder_dict\.Level_(\d+)\.0\.conv1\.weight")
        channels = [_shape(state, f"decoder.decoder_dict.{n}.0.conv1.weight")[0] for n in level_names(num_levels)]
        deepest = level_names(num_levels)[-1] if num_levels else "Level_32"
        codes = _shape(state, f"quantizer.quantize_dict.{deepest}.embedding.weight")
        return cls(
            channels=tuple(channels),
            encoder_blocks=_count(state, r"encoder\.encoder_dict\.Level_1\.(\d+)\.conv1\.weight"),
            decoder_blocks=_count(state, r"decoder\.decoder_dict\.Level_1\.(\d+)\.conv1\.weight"),
            num_codes=codes[0],
            code_channels=codes[1],
            condition_channels=_shape(state, "inpfeat_extraction.conv.weight")[0],
            deform_groups=_shape(state, f"{warp}.dcn.conv_offset.weight")[0] // 27,
        )


@dataclass(frozen=True)
class V2Config(Config):
    """Sizes of a VQFR v2. The defaults are those of the published weights."""

    channels: tuple[int, ...] = (64, 128, 128, 256, 256, 512)
    predicts_codes: bool = True
    """Codes come from a classifier (`feat2index`); without it the nearest entry is used."""

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Tensor]) -> "V2Config":
        """Read the sizes from a v2 checkpoint; WeightsError if a tensor they are read from is missing."""
        num_levels = _count(state, r"encoder\.blocks\.(\d+)\.\d+\.conv1\.weight")
        # A level starts with its downsampling, except the first.
        channels = [_shape(state, f"encoder.blocks.{i}.{min(i, 1)}.conv1.weight")[0] for i in range(num_levels)]
        codes = _shape(state, "quantizer.embedding.weight")
        return cls(
            channels=tuple(channels),
            encoder_blocks=_count(state, r"encoder\.blocks\.0\.(\d+)\.conv1\.weight"),
            decoder_blocks=_count(state, r"decoder\.blocks\.1\.(\d+)\.conv1\.weight"),
            num_codes=codes[0],
            code_channels=codes[1],
            condition_channels=_shape(state, "inpfeat_extraction.weight")[0],
            deform_groups=_shape(state, "main_branch.align_func_dict.Level_1.dcn.conv_offset.weight")[0] // 27,
            predicts_codes="feat2index.1.weight" in state,
        )


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    """How many different values the pattern's group has among the keys."""
    return len({match.group(1) for match in map(re.compile(pattern).fullmatch, state) if match})


def _shape(state: Mapping[str, Tensor], key: str) -> tuple[int, ...]:
    if key not in state:
        raise WeightsError(
            f"the weights lack {key!r}, from which the size of the network is read: not a complete VQFR model"
        )
    return tuple(state[key].shape)
