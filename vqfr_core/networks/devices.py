"""Which device and which number format to use."""

import logging

import torch

from ..errors import InputError
from .precision import DTYPES, Precision

logger = logging.getLogger(__name__)


def pick_device(device: str | torch.device | None = None) -> torch.device:
    """The device to work on: the named one, else the first available of CUDA (or ROCm), XPU, MPS and CPU.

    Raises InputError for a name PyTorch does not know, or a device this machine or PyTorch lacks.
    """
    if device is None or str(device) == "auto":
        return next((torch.device(name) for name in ("cuda", "xpu", "mps") if _is_there(name)), torch.device("cpu"))
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise InputError(f"device {device!r} is not known; use auto, cpu, cuda, cuda:1, xpu or mps") from error
    if chosen.type in ("cuda", "xpu", "mps") and not _is_there(chosen.type):
        raise InputError(
            f"device {device!r} is not available here: this PyTorch ({torch.__version__}) sees none; use cpu"
        )
    return chosen


def pick_precision(precision: str, device: torch.device) -> Precision:
    """The number format a setting ("auto", "fp32", "bf16", "fp16") means on a device.

    auto is float32; restorers choose by `AutoPrecision`. Raises InputError for an unknown name, and for fp16 on the
    CPU, where it is several times slower than float32.
    """
    if precision == "auto":
        return "fp32"
    known = next((name for name in DTYPES if name == precision), None)
    if known is None:
        raise InputError(f"precision {precision!r} is not known; use auto, {', '.join(DTYPES)}")
    if known == "fp16" and device.type == "cpu":
        raise InputError("precision fp16 is many times slower than fp32 on a CPU; use fp32 or bf16")
    if known == "bf16" and device.type == "cpu" and not cpu_has_bf16():
        logger.warning("this CPU has no bf16 instructions: bf16 will be slower than fp32")
    return known


def pick_memory_format(device: torch.device) -> torch.memory_format:
    """The memory layout of the networks' weights.

    Channels last was measured faster on the CPU, and suits the tensor cores of NVIDIA GPUs.
    """
    return torch.channels_last if device.type in ("cpu", "cuda") else torch.contiguous_format


def pick_batch_size(batch_size: int, device: torch.device) -> int:
    """How many faces to send through the network at once: the given number, or what suits the device if it is 0."""
    # On a CPU a batch takes at least as long as its faces one at a time (benchmarks/network.py).
    return batch_size or (1 if device.type == "cpu" else 4)


def free_memory(device: torch.device) -> None:
    """Give memory that PyTorch keeps for later back to the device."""
    if device.type in ("cuda", "xpu", "mps"):
        getattr(torch, device.type).empty_cache()


def cpu_has_bf16() -> bool:
    """Whether the CPU computes bf16 in hardware, so that it is faster than float32."""
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in checks)


def _is_there(device_type: str) -> bool:
    backend = torch.backends.mps if device_type == "mps" else getattr(torch, device_type, None)
    return backend is not None and backend.is_available()
