"""Shared fixtures. Tests need no network, no GPU and no host application."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

TESTS = Path(__file__).parent
REFERENCE = TESTS / "reference"


def load_generator() -> ModuleType:
    """The generator of the deterministic weights, `reference/make_weights.py`."""
    path = REFERENCE / "make_weights.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Golden outputs, key lists and the weight generator that belong together."""
    return REFERENCE


@pytest.fixture(scope="session")
def make_state_dict():
    """make_state_dict(1 or 2): the deterministic weights that the golden outputs were computed with."""
    generator = load_generator()

    def make(generation: int) -> dict[str, torch.Tensor]:
        weights = generator.generate(REFERENCE / f"vqfr_v{generation}.keys.json")
        return {name: torch.from_numpy(value) for name, value in weights.items()}

    return make
