"""Weights of other projects' restorers, made of random numbers, for tests and benchmarks. Needs spandrel."""

from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

TINY_RESTOREFORMER = {
    "n_embed": 16,
    "embed_dim": 32,
    "ch": 32,
    "ch_mult": (1, 1, 1, 1, 1, 1),
    "num_res_blocks": 1,
    "z_channels": 32,
}
SMALL_CODEFORMER = {"dim_embd": 64, "n_layers": 1, "codebook_size": 32}
"""As small as it can be: 270 MB. Needs spandrel_extra_arches."""


def gfpgan(**sizes: Any) -> nn.Module:
    """A GFPGAN, whose noise counts; spandrel loads only the published size, the default (350 MB)."""
    module = import_module("spandrel.architectures.GFPGAN")
    network = _seeded(getattr(module, "GFPGAN", None) or module.GFPGANv1Clean, sizes)
    for name, parameter in network.named_parameters():
        if "style_conv" in name and parameter.numel() == 1:  # the strength of the noise; 0 at first
            nn.init.constant_(parameter, 0.3)
    return network


def restoreformer(**sizes: Any) -> nn.Module:
    return _seeded(import_module("spandrel.architectures.RestoreFormer").RestoreFormer, sizes or TINY_RESTOREFORMER)


def codeformer(**sizes: Any) -> nn.Module:
    module = import_module("spandrel_extra_arches.architectures.CodeFormer")
    return _seeded(module.CodeFormer, sizes or SMALL_CODEFORMER)


def save(network: nn.Module, path: Path) -> Path:
    """A weight file as their projects publish it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights: dict[str, Tensor] = network.state_dict()
    torch.save({"params_ema": weights}, path)
    return path


def _seeded(build: Any, sizes: dict[str, Any]) -> nn.Module:
    """The same weights each time; the random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        network: nn.Module = build(**sizes)
    return network.eval().requires_grad_(False)
