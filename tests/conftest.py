"""Shared fixtures. Tests need no network, no GPU and no host application; `--device cuda` runs the networks there."""

import os
from collections.abc import Callable
from pathlib import Path

# Read when PyTorch is imported: threads that wait let the tests of the other process work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from stand_ins.weights import REFERENCE, reference_weights
from vqfr_core.networks.base import Network, Restorer
from vqfr_core.networks.registry import recognize
from vqfr_core.networks.vqfr import V1Config, V2Config, VqfrV1, VqfrV2
from vqfr_core.pictures import to_tensor
from vqfr_core.weights.catalog import get_record
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.store import WeightStore

PICTURES = Path(__file__).parents[1] / "stand_ins" / "pictures"
SMALL_CROP_PX = 128
ALL_THREADS = 1 if "PYTEST_XDIST_WORKER" in os.environ else torch.get_num_threads()
"""One for each of several processes: two of them on one core wait for each other."""

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
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):  # auto is float32 then, on every CPU
        setattr(torch.cpu, name, lambda: False)


@pytest.fixture(autouse=True)
def _threads(request: pytest.FixtureRequest) -> None:
    """Tiny networks gain nothing from a second thread, and on a busy machine wait for it fifty times as long."""
    torch.set_num_threads(ALL_THREADS if request.node.get_closest_marker("slow") else 1)


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
    return _save(lambda: VqfrV1(V1Config(**TINY)), tmp_path_factory.mktemp("v1") / "tiny_v1.safetensors")


@pytest.fixture(scope="session")
def tiny_v2(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _save(lambda: VqfrV2(V2Config(**TINY)), tmp_path_factory.mktemp("v2") / "tiny_v2.safetensors")


@pytest.fixture(scope="session")
def small_v1(tiny_v1: str) -> Network:
    """A tiny VQFR v1 for crops of 128 px, which takes a sixteenth of the time of 512 px."""
    return _with_small_crops(_load(Path(tiny_v1)))


@pytest.fixture(scope="session")
def small_v2(tiny_v2: str) -> Network:
    """A tiny VQFR v2 for crops of 128 px."""
    return _with_small_crops(_load(Path(tiny_v2)))


@pytest.fixture(scope="session")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> WeightStore:
    """A store whose restorers take crops of 128 px, and in whose folders there is nothing."""
    folder = tmp_path_factory.mktemp("models")

    class SmallCrops(WeightStore):
        def open(self, *args, **named) -> Network:
            return _with_small_crops(super().open(*args, **named))

    return SmallCrops(lambda: Folders(folder), download=False)


@pytest.fixture(scope="session")
def mobilenet() -> Network:
    """The detector of this package, on the CPU."""
    return _load(get_record("retinaface_mobile0.25").packaged_path)


@pytest.fixture(scope="session")
def group() -> torch.Tensor:
    """(3, 420, 960): five faces from left to right in order of size."""
    return _read("group.jpg")


@pytest.fixture(scope="session")
def face_picture() -> torch.Tensor:
    """(3, 320, 320): one face in its middle."""
    return _read("face.jpg")


@pytest.fixture(scope="session")
def portrait(reference_dir: Path) -> Image.Image:
    """192 x 160 px, one face of about 60 px in its middle."""
    canvas = Image.new("RGB", (192, 160), (120, 130, 140))
    with Image.open(reference_dir / "input_face.png") as face:
        canvas.paste(face.convert("RGB").resize((128, 128), Image.Resampling.LANCZOS), (32, 16))
    return canvas


def _save(build: Callable[[], torch.nn.Module], path: Path) -> str:
    torch.manual_seed(5)
    network = build()
    for parameter in network.parameters():
        if parameter.ndim == 4:
            torch.nn.init.normal_(parameter, std=(2 / parameter[0].numel()) ** 0.5)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, path)
    return str(path)


def _load(path: Path) -> Network:
    """The network of a file by its row of the registry alone."""
    state = load_file(path)
    row = recognize(state)
    assert row is not None and row.build is not None
    network = row.build(state)
    network.module.load_state_dict(state, assign=True)
    network.module.eval().requires_grad_(False)
    return network


def _with_small_crops(network: Network) -> Network:
    if isinstance(network, Restorer):
        network.crop_px = SMALL_CROP_PX
    return network


def _read(name: str) -> torch.Tensor:
    with Image.open(PICTURES / name) as file:
        return to_tensor(file)
