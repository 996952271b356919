"""What both generations share besides layers: input checks, memory format and number format."""

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from ...errors import InputError
from ..base import ModelInfo
from ..precision import DTYPES, Precision
from .config import Config

MULTIPLE_OF = 32


class VqfrNetwork(nn.Module, ABC):
    """Base of the two generations."""

    generation: ClassVar[int]
    """1 or 2."""
    full_precision_parts: ClassVar[tuple[str, ...]]
    """Sub-modules that choose the codes: they stay float32 when the rest is halved."""
    has_fidelity: ClassVar[bool]
    """Whether `forward` uses the fidelity."""

    config: Config
    precision: Precision = "fp32"
    """Number format of the parts that may be halved, as set."""
    info: ModelInfo | None = None
    """Where the weights come from; set when they are loaded."""

    def prepare(self, x: Tensor) -> Tensor:
        """Check the shape of an input batch and bring it to the dtype and memory format of the weights."""
        if x.ndim != 4 or x.shape[1] != 3 or x.shape[2] % MULTIPLE_OF or x.shape[3] % MULTIPLE_OF:
            raise InputError(
                f"the network takes (B, 3, H, W) with H and W multiples of {MULTIPLE_OF} (512 in normal use), "
                f"got {tuple(x.shape)}"
            )
        weight = self.get_parameter("encoder.conv_in.weight")
        channels_last = weight.is_contiguous(memory_format=torch.channels_last)
        return x.to(weight.dtype).contiguous(
            memory_format=torch.channels_last if channels_last else torch.contiguous_format
        )

    @abstractmethod
    def codes(self, x: Tensor) -> Tensor:
        """Index of the codebook entry of each 32 px patch, row by row: int64 (B, H / 32 * W / 32)."""

    @property
    def device(self) -> torch.device:
        """Where the network is now."""
        return self.get_parameter("encoder.conv_in.weight").device

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the parts that may be halved."""
        return DTYPES[self.precision]

    def set_precision(self, dtype: torch.dtype) -> "VqfrNetwork":
        """Convert the weights in place; the parts that choose codes stay float32. Returns the network itself."""
        self.precision = next(name for name, known in DTYPES.items() if known == dtype)
        for name, part in self.named_children():
            part.to(torch.float32 if name in self.full_precision_parts else dtype)
        return self
