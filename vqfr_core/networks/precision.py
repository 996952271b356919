"""Number formats of networks, by their user-visible names."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import torch

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class _FullFloat32:
    """How many users of full float32 are active, and the settings to restore when the last one is done."""

    lock = threading.Lock()
    num_users = 0
    before: ClassVar[list[tuple[Any, str, object]]] = []


@contextmanager
def full_float32() -> Iterator[None]:
    """Multiply at full float32 precision: NVIDIA GPUs otherwise round in convolutions to 10 bits (TF32).

    For everything that chooses codes. With rounded features some codes differ, and each changes a patch of the face;
    later layers are not sensitive. Thread-safe: the global settings are restored when the last user leaves.
    """
    state = _FullFloat32
    with state.lock:
        if not state.num_users:
            state.before = _rounding_settings()
            for backend, name, _ in state.before:
                setattr(backend, name, "ieee" if name == "fp32_precision" else False)
        state.num_users += 1
    try:
        yield
    finally:
        with state.lock:
            state.num_users -= 1
            if not state.num_users:
                for backend, name, value in state.before:
                    setattr(backend, name, value)


def _rounding_settings() -> list[tuple[Any, str, object]]:
    """Owner, name and value of the TF32 settings. If a host uses PyTorch's newer names, the older ones raise."""
    backends, name = (torch.backends.cudnn, torch.backends.cuda.matmul), "allow_tf32"
    try:
        return [(backend, name, getattr(backend, name)) for backend in backends]
    except RuntimeError:
        name = "fp32_precision"
        return [(backend, name, getattr(backend, name)) for backend in (backends[0].conv, backends[1])]
