"""Small pictures with and without a face, and tiny random networks of both generations."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from vqfr_core.arch import V1Config, V2Config, VqfrV1, VqfrV2

TINY = {"channels": (32,) * 6, "encoder_blocks": 1, "decoder_blocks": 1, "num_codes": 8, "code_channels": 32}


@pytest.fixture(autouse=True)
def no_folders_of_the_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the user has installed out of the tests, and downloads."""
    monkeypatch.setenv("VQFR_MODEL_DIR", str(tmp_path_factory.mktemp("models")))
    monkeypatch.setenv("VQFR_OFFLINE", "1")
    monkeypatch.delenv("VQFR_MODEL_PATH", raising=False)


@pytest.fixture(scope="session")
def tiny_v1(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _save(VqfrV1(V1Config(**TINY)), tmp_path_factory.mktemp("v1") / "tiny_v1.safetensors")


@pytest.fixture(scope="session")
def tiny_v2(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _save(VqfrV2(V2Config(**TINY)), tmp_path_factory.mktemp("v2") / "tiny_v2.safetensors")


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


def _save(network: torch.nn.Module, path: Path) -> str:
    torch.manual_seed(5)
    for parameter in network.parameters():
        if parameter.ndim == 4:
            torch.nn.init.normal_(parameter, std=(2 / parameter[0].numel()) ** 0.5)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
    return str(path)
