"""What both generations share besides layers: input checks, memory format and number format."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from ...errors import InputError
from ..base import ModelInfo
from ..fidelity import DEFAULT_FIDELITY
from ..precision import DTYPES, Precision
from .config import Config
from .mixture import Fidelity

MULTIPLE_OF = 32


class Features(NamedTuple):
    """What a fidelity mixes: the features before the head of a v2, (B, C1, H, W); the images of a v1, (B, 3, H, W)."""

    texture: Tensor | None
    """Made of the codes alone; None if not computed."""
    main: Tensor | None
    """What the main branch made of it; None if not computed."""

    def to(self, device: torch.device | str) -> "Features":
        return Features(*(None if part is None else part.to(device) for part in self))


class VqfrNetwork(nn.Module, ABC):
    """Base of the two generations."""

    generation: ClassVar[int]
    """1 or 2."""
    full_precision_parts: ClassVar[tuple[str, ...]]
    """Sub-modules that choose the codes: they stay float32, with the weights as stored, when the rest is halved."""

    config: Config
    precision: Precision = "fp32"
    """Number format of the parts that may be halved, as set."""
    info: ModelInfo | None = None
    """Where the weights come from; set when they are loaded."""

    def prepare(self, x: Tensor) -> Tensor:
        """Check the shape of an input batch and bring it to the encoder's dtype and memory format."""
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

    def forward(self, x: Tensor, fidelity: Fidelity = DEFAULT_FIDELITY) -> Tensor:
        """Restore aligned faces.

        Args:
            x: (B, 3, H, W) RGB in [-1, 1]; H and W multiples of 32, 512 in normal use.
            fidelity: a number, B numbers, or a map (B, 1, H, W), in [0, 1]. Parts that a number does not need are not
                computed; the answer is the same bit for bit.

        Returns:
            (B, 3, H, W) in [-1, 1], not clamped, in the dtype of `x`.
        """
        (answer,) = self.sweep(x, [fidelity])
        return answer

    @abstractmethod
    def sweep(self, x: Tensor, fidelities: Sequence[Fidelity]) -> list[Tensor]:
        """The answers for several fidelities: what they share is computed once."""

    @abstractmethod
    def features(self, x: Tensor) -> Features:
        """Everything that does not depend on fidelity."""

    @abstractmethod
    def head(self, features: Features, fidelity: Fidelity = DEFAULT_FIDELITY) -> Tensor:
        """The result (B, 3, H, W) of features at a fidelity, see `forward`; a small part of the total work."""

    def texture(self, x: Tensor) -> Tensor:
        """The texture image, the same as fidelity 0. Shapes and ranges as in `forward`."""
        return self.forward(x, 0.0)

    @abstractmethod
    def codes(self, x: Tensor) -> Tensor:
        """Index of the codebook entry of each 32 px patch, row by row: int64 (B, H / 32 * W / 32)."""

    @property
    def device(self) -> torch.device:
        """Where the network is now."""
        return self.get_parameter("encoder.conv_in.weight").device

    def halved(self, image: Tensor) -> Tensor:
        """A tensor in the number format of the parts that may be halved."""
        return image.to(next(self.get_submodule("decoder.conv_out").parameters()).dtype)

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
