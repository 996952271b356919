"""The deterministic weights that the golden outputs were computed with, see `reference/README.md`."""

import importlib.util
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor

REFERENCE = Path(__file__).parent / "reference"
"""Matching golden outputs, key lists, pictures and weight generator."""


def reference_weights(generation: int) -> dict[str, Tensor]:
    """Weights for a VQFR v1 or v2 (1 or 2) of the published size, by name."""
    weights = _load_generator().generate(REFERENCE / f"vqfr_v{generation}.keys.json")
    return {name: torch.from_numpy(value) for name, value in weights.items()}


def _load_generator() -> ModuleType:
    path = REFERENCE / "make_weights.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
