"""Faces, and the metrics' weights where the machine has them."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vqfr_core.evaluation.weights import FOLDER_VARIABLE
from vqfr_core.pictures import read_picture

PICTURES = Path(__file__).parents[3] / "stand_ins" / "pictures"


@pytest.fixture
def metric_weights(request: pytest.FixtureRequest) -> Path:
    """The folder named in the environment; the test is skipped without it."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        pytest.skip(f"{FOLDER_VARIABLE} names no folder with the metrics' weights")
    return Path(folder)


@pytest.fixture(scope="session")
def face(reference_dir: Path) -> Tensor:
    """An aligned face, (3, 512, 512)."""
    return read_picture(reference_dir / "input_face.png").images[0]


@pytest.fixture(scope="session")
def photo(reference_dir: Path) -> Tensor:
    """A small photograph of a face, (3, H, W)."""
    return read_picture(PICTURES / "face.jpg").images[0]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(autouse=True)
def one_thread():
    """Small work spends its time waiting for threads on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
