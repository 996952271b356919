"""A small picture with a face, as a file."""

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture
def face_file(portrait: Image.Image, tmp_path: Path) -> Path:
    path = tmp_path / "portrait.png"
    portrait.save(path)
    return path
