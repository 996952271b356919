"""Number formats of networks, by the names that users know."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


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
