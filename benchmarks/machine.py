"""Describe the machine, and measure time and memory."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch


def describe_machine() -> str:
    """Processor, threads, memory and PyTorch in one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = names[0] if names else cpu
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{cpu}, {torch.get_num_threads()} threads{gpu}, {platform.system()}, torch {torch.__version__}"


def seconds_of(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def alternate(functions: Mapping[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Median seconds of each function, run in turn (A B A B ...) after one warm-up each."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(runs + 1):
        for name, function in functions.items():
            taken = seconds_of(function)
            if number:
                times[name].append(taken)
    return {name: statistics.median(values) for name, values in times.items()}


def peak_bytes(function: Callable[[], object]) -> int | None:
    """How far the process's memory rises above its start while the function runs; None without Linux's /proc."""
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not reset.exists():
        return None
    reset.write_text("5")  # resets the peak to the current size
    before = _kilobytes(status, "VmRSS")
    function()
    return (_kilobytes(status, "VmHWM") - before) * 1024


def _kilobytes(status: Path, field: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1])
