"""Number formats of networks, by the names that users know."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal

import torch

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES: dict[Precision, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class _FullFloat32:
    """How many ask for full float32 at the moment, and the settings to put back when the last one is done."""

    lock = threading.Lock()
    num_users = 0
    before: ClassVar[list[tuple[Any, str, object]]] = []


@contextmanager
def full_float32() -> Iterator[None]:
    """Multiply float32 numbers as such: NVIDIA GPUs otherwise round those of convolutions to 10 bits (TF32).

    For whatever chooses codes. With rounded features some codes differ, and with each a patch of the face; what comes
    after the codes does not show it. Thread-safe: the settings, which are global, come back when the last user leaves.
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
    """Owner, name and value of what decides on TF32. If a host uses PyTorch's newer names, the older ones raise."""
    backends, name = (torch.backends.cudnn, torch.backends.cuda.matmul), "allow_tf32"
    try:
        return [(backend, name, getattr(backend, name)) for backend in backends]
    except RuntimeError:
        name = "fp32_precision"
        return [(backend, name, getattr(backend, name)) for backend in (backends[0].conv, backends[1])]
