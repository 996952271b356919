"""Small pictures without a face, and nothing of the user's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def no_folders_of_the_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the user has installed out of the tests, and downloads."""
    monkeypatch.setenv("VQFR_MODEL_DIR", str(tmp_path_factory.mktemp("models")))
    monkeypatch.setenv("VQFR_OFFLINE", "1")
    monkeypatch.delenv("VQFR_MODEL_PATH", raising=False)


@pytest.fixture
def make_blank(tmp_path: Path) -> Callable[[str], Path]:
    """make_blank("sub/name.jpg"): a small picture of noise without a face, below tmp_path."""

    def make(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(3).integers(90, 160, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return make
