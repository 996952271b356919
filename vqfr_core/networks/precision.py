"""What both networks have in common besides their layers: input checks, memory format and number format."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..errors import InputError

MULTIPLE_OF = 32


@contextmanager
def full_float32() -> Iterator[None]:
    """Multiply float32 numbers as such: NVIDIA GPUs otherwise round those of convolutions to 10 bits (TF32).

    For whatever chooses codes. With rounded features some codes differ, and with each a patch of the face; what comes
    after the codes does not show it.
    """
    before = _rounding_settings()
    try:
        for backend, name, _ in before:
            setattr(backend, name, "ieee" if name == "fp32_precision" else False)
        yield
    finally:
        for backend, name, value in before:
            setattr(backend, name, value)


def _rounding_settings() -> list[tuple[Any, str, object]]:
    """Owner, name and value of what decides on TF32. If a host uses PyTorch's newer names, the older ones raise."""
    backends, name = (torch.backends.cudnn, torch.backends.cuda.matmul), "allow_tf32"
    try:
        return [(backend, name, getattr(backend, name)) for backend in backends]
    except RuntimeError:
        name = "fp32_precision"
        return [(backend, name, getattr(backend, name)) for backend in (backends[0].conv, backends[1])]


class Network(nn.Module):
    """Base of the two generations."""

    generation: ClassVar[int]
    """1 or 2."""
    has_fidelity: ClassVar[bool]
    """Whether `forward` listens to a fidelity."""
    full_precision_parts: ClassVar[tuple[str, ...]]
    """Sub-modules that choose the codes: they stay float32 when the rest is halved."""

    info: Any = None
    """Where the weights come from; set by whoever loads them."""

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

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights (of the parts that may be halved)."""
        return self.get_parameter("encoder.conv_in.weight").dtype

    @property
    def device(self) -> torch.device:
        return self.get_parameter("encoder.conv_in.weight").device

    def set_precision(self, dtype: torch.dtype) -> "Network":
        """Convert the weights in place; the parts that choose codes stay float32. Returns the network itself."""
        for name, part in self.named_children():
            part.to(torch.float32 if name in self.full_precision_parts else dtype)
        return self
