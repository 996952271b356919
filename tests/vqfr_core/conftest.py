"""A small picture with a face."""

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture(scope="session")
def portrait(reference_dir: Path) -> Image.Image:
    """192 x 160 px, one face of about 60 px in its middle."""
    canvas = Image.new("RGB", (192, 160), (120, 130, 140))
    with Image.open(reference_dir / "input_face.png") as face:
        canvas.paste(face.convert("RGB").resize((128, 128), Image.Resampling.LANCZOS), (32, 16))
    return canvas


@pytest.fixture
def face_file(portrait: Image.Image, tmp_path: Path) -> Path:
    path = tmp_path / "portrait.png"
    portrait.save(path)
    return path
