"""The extension, loaded into a stand-in of a WebUI."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from stand_ins.webui import Processing, WebUI
from vqfr_core.networks.vqfr import VqfrV2


@pytest.fixture
def webui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebUI]:
    host = WebUI(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "vqfr_webui"]:
        monkeypatch.delitem(sys.modules, name)
    for name, module in host.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("VQFR_OFFLINE", "1")
    monkeypatch.delenv("VQFR_MODEL_PATH", raising=False)
    host.load()
    yield host
    for name in [name for name in sys.modules if name.partition(".")[0] == "vqfr_webui"]:
        del sys.modules[name]


@pytest.fixture
def tiny(webui: WebUI, tiny_v2: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a model in the model folder. It turns faces into their negative, which takes no time."""
    monkeypatch.setattr(VqfrV2, "sweep", lambda self, x, fidelities: [-x for _ in fidelities])
    name = "tiny.safetensors"
    folder = webui.models_path / "VQFR"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(Path(tiny_v2).read_bytes())
    return name


@pytest.fixture
def processing() -> Processing:
    return Processing()


def differs(one: Image.Image, other: Image.Image) -> bool:
    return one.size != other.size or one.tobytes() != other.convert(one.mode).tobytes()
