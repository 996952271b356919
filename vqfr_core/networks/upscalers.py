"""Upscalers and cleaners of other projects, built by the package spandrel: ESRGAN, SPAN, DAT, SwinIR and many more.

Spandrel recognises them by their tensors, which it is given: it opens no file. Tried with spandrel 0.3.4 and 0.4.2.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import WeightsError
from .base import ModelInfo, Network
from .by_spandrel import import_from
from .precision import DTYPES

_WORK = ("SR", "Restoration")
"""Purposes, in spandrel's words, that a background can be given to."""

_TILE_PX = 384
"""Real-ESRGAN's network of 64 channels takes 1.8 GB for a tile of this size (benchmarks/background.py)."""
_MOST_ACROSS = 1 << 15
"""Largest side of a tensor. Some networks make tables of the fourth power of a window's side, which this bounds."""


class Upscaler(Network, ABC):
    """Enlarges pictures, or cleans them at their size."""

    def __init__(self, module: nn.Module, name: str, title: str, scale: int) -> None:
        super().__init__(module, name, title)
        self.scale = scale
        """Size of its result / size of the picture; 1 for a network that only cleans."""
        self.tile_px = _TILE_PX
        """Largest side of what it is given at once; less once memory has run out."""
        self.reach_px: int | None = None
        """How far it looks beyond a pixel, once that has been measured."""

    @abstractmethod
    def run(self, image: Tensor) -> Tensor:
        """A picture enlarged: float32 (1, 3, H * scale, W * scale), nominally in [0, 1].

        image: (1, 3, H, W), RGB in [0, 1], on the module's device. It may have any size.
        """

    def attach(self, info: ModelInfo) -> None:
        super().attach(info)
        self.name = info.name

    def describe(self) -> dict[str, Any]:
        """Which network and which weights, for reports."""
        info = self.info
        return {
            "name": self.name,
            "kind": self.title,
            "scale": self.scale,
            "file": info.path.name if info else None,
            "sha256": info.sha256 if info else None,
            "source": info.source if info else "built by hand",
        }


class SpandrelUpscaler(Upscaler):
    """Pads pictures whose size its network cannot take."""

    is_filled = True

    def __init__(self, built: Any) -> None:
        """built: spandrel's description of the network."""
        super().__init__(built.model, "upscaler", built.architecture.name, built.scale)
        can = {"fp32": True, "bf16": built.supports_bfloat16, "fp16": built.supports_half}
        self.precisions = [precision for precision in DTYPES if can[precision]]
        self.sizes = {"scale": built.scale}
        self._built = built

    def run(self, image: Tensor) -> Tensor:
        answer: Tensor = self._built(image.to(DTYPES[self.precision]))
        return answer.float()


def build_upscaler(state: Mapping[str, Tensor]) -> Upscaler:
    """The network that spandrel recognises, with its weights. WeightsError if it is none for whole colour pictures."""
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):  # many cannot be built on meta, and some draw numbers
        return SpandrelUpscaler(_load(dict(state)))


def _load(state: dict[str, Tensor]) -> Any:
    large = next((name for name, part in state.items() if max(part.shape, default=0) > _MOST_ACROSS), None)
    if large is not None:
        raise WeightsError(f"tensor {large} is larger than an upscaler's: {tuple(state[large].shape)}")
    spandrel = import_from("spandrel", "spandrel", "an upscaler")
    try:
        built = spandrel.MAIN_REGISTRY.load(state)
    except spandrel.UnsupportedModelError as error:
        shown = ", ".join(list(state)[:4])
        raise WeightsError(
            f"this is no upscaler that spandrel {spandrel.__version__} knows ({len(state)} tensors: {shown}, ...)"
        ) from error
    except (AssertionError, KeyError) as error:
        raise WeightsError(f"this upscaler is built differently ({error}); use the published file") from error
    name, channels = built.architecture.name, (built.input_channels, built.output_channels)
    if built.purpose not in _WORK:
        raise WeightsError(f"this is {name}, which is not for whole pictures; an upscaler or cleaner is needed here")
    if channels != (3, 3):
        raise WeightsError(f"this {name} takes and gives {channels} channels; one for colour pictures (3, 3) is needed")
    return built
