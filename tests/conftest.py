"""Shared fixtures. Tests need no network, no GPU and no host application; `--device cuda` runs the networks there."""

import os
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from stand_ins.weights import REFERENCE, reference_weights
from vqfr_core.networks.vqfr import V1Config, V2Config, VqfrV1, VqfrV2

TINY = {
    "channels": (32,) * 6,
    "encoder_blocks": 1,
    "decoder_blocks": 1,
    "num_codes": 8,
    "code_channels": 32,
    "condition_channels": 4,
    "deform_groups": 1,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", help="where the golden outputs are checked: cpu, cuda, mps, ...")


def pytest_configure() -> None:
    os.environ["TRITON_INTERPRET"] = "1"  # must be there before anything imports Triton


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> torch.device:
    return torch.device(request.config.getoption("--device"))


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Golden outputs, key lists and the weight generator that belong together."""
    return REFERENCE


@pytest.fixture(scope="session")
def make_state_dict():
    """make_state_dict(1 or 2): the deterministic weights that the golden outputs were computed with."""
    return reference_weights


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


def _save(network: torch.nn.Module, path: Path) -> str:
    torch.manual_seed(5)
    for parameter in network.parameters():
        if parameter.ndim == 4:
            torch.nn.init.normal_(parameter, std=(2 / parameter[0].numel()) ** 0.5)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
    return str(path)
