"""Upscalers of random numbers, for tests and benchmarks: one of our own, and those that spandrel knows."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vqfr_core.networks.upscalers import Upscaler

from .restorers import save

SIZES: dict[str, dict[str, Any]] = {
    "Compact": {"num_feat": 8, "num_conv": 2, "upscale": 2},
    "ESRGAN": {"num_filters": 8, "num_blocks": 1},
    "SPAN": {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 8, "upscale": 2},
    "PLKSR": {"dim": 8, "n_blocks": 1, "upscaling_factor": 2},
    "NAFNet": {"width": 8, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1], "middle_blk_num": 1},
    "SwinIR": {
        "img_size": 64,
        "window_size": 8,
        "embed_dim": 12,
        "depths": [2],
        "num_heads": [2],
        "upscale": 2,
        "upsampler": "pixelshuffle",
    },
}
"""Small sizes of some of spandrel's architectures, by their names."""
_FORMER_NAMES = {"Compact": "SRVGGNetCompact", "ESRGAN": "RRDBNet"}
"""In spandrel 0.3.4."""


class SmallUpscaler(Upscaler):
    """Two convolutions, which look 4 px far; their result varies between black and white."""

    def __init__(self, scale: int = 2) -> None:
        super().__init__(_random(lambda: _convolutions(scale)), "small", "two convolutions", scale)

    def run(self, image: Tensor) -> Tensor:
        answer: Tensor = self.module(image)
        return answer


def spandrel_network(name: str, **sizes: Any) -> nn.Module:
    """One of spandrel's networks, of the given sizes or those of `SIZES`."""
    module = getattr(import_module("spandrel").architectures, name)
    build = getattr(module, name, None) or getattr(module, _FORMER_NAMES[name])
    return _random(lambda: build(**(sizes or SIZES[name])))


def save_plain(path: Path) -> Path:
    """A file of Real-ESRGAN's compact kind that repeats each pixel. Needs spandrel."""
    network = spandrel_network("Compact")
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    return save(network, path)


def _convolutions(scale: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, padding=2),
        nn.ReLU(),
        nn.Conv2d(8, 3 * scale**2, 5, padding=2),
        nn.PixelShuffle(scale),
        nn.Sigmoid(),
    )


def _random(build: Callable[[], nn.Module]) -> nn.Module:
    """The same weights each time, none of them small; the random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        network = build()
        for parameter in network.parameters():
            if parameter.ndim == 4:
                nn.init.normal_(parameter, std=(2 / parameter[0].numel()) ** 0.5)
    return network.eval().requires_grad_(False)
