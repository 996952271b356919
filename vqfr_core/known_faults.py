"""Packages with security faults that pictures and pages can reach, where a host holds back a newer version."""

import importlib.metadata
import re

REPAIRED_IN = {"pillow": "10.3", "gradio": "5.6", "requests": "2.32.4", "filelock": "3.20.1"}
"""CVE-2023-4863 and 2024-28219; 2024-47084, 51751 and 2025-23042; 2023-32681 and 2024-47081; 2025-68146. install.py has
the same table, because it runs before anything here can be imported."""


def warn_of_faults() -> str | None:
    """A sentence that names the installed packages with known faults; None without any."""
    old = [name for name, version in REPAIRED_IN.items() if _is_older(name, version)]
    if not old:
        return None
    names = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in old)
    newer = " ".join(f'"{name}>={REPAIRED_IN[name]}"' for name in old)
    return f"{names}: known security faults; if your host allows it, update with: pip install {newer}"


def _is_older(name: str, version: str) -> bool:
    try:
        return _numbers(importlib.metadata.version(name)) < _numbers(version)
    except importlib.metadata.PackageNotFoundError:
        return False


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
