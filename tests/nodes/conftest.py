"""The node pack, loaded into a stand-in of ComfyUI."""

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from stand_ins import comfyui as standin

PICTURES = Path(__file__).parents[2] / "stand_ins" / "pictures"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, tiny_v1: str, tiny_v2: str) -> Any:
    """The stand-in, with a tiny model of each generation in its model folder."""
    models = tmp_path_factory.mktemp("models")
    (models / "vqfr").mkdir()
    for path in (tiny_v1, tiny_v2):
        shutil.copy(path, models / "vqfr")
    return standin.Host(models)


@pytest.fixture(scope="module")
def pack(host: Any) -> Any:
    """The pack as the host has loaded it: its entry point was called."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VQFR_OFFLINE", "1")
        patch.delenv("VQFR_MODEL_DIR", raising=False)
        patch.delenv("VQFR_MODEL_PATH", raising=False)
        for name, module in host.modules().items():
            patch.setitem(sys.modules, name, module)
        loaded = standin.load_pack(host, sys.modules)
        extension = asyncio.run(loaded.comfy_entrypoint())
        loaded.nodes_by_id = {node.define_schema().node_id: node for node in asyncio.run(extension.get_node_list())}
        yield loaded
        standin.forget_pack()


@pytest.fixture
def run(pack: Any, host: Any) -> Callable[..., Any]:
    """run("VQFR_X", input=...): the node's outputs by their ids; inputs not given take their defaults."""
    host.interrupt_after = None

    def call(node_id: str, **given: Any) -> dict[str, Any]:
        node = pack.nodes_by_id[node_id]
        schema = node.define_schema()
        values = {entry.id: entry.settings["default"] for entry in schema.inputs if "default" in entry.settings}
        with torch.inference_mode():  # as the host does
            answer = node.execute(**values | given)
        outputs = {entry.id: value for entry, value in zip(schema.outputs, answer.args, strict=True)}
        return outputs | {"ui": answer.ui}

    return call


@pytest.fixture(scope="session")
def portrait(portrait: Image.Image) -> torch.Tensor:
    """The same as IMAGE (1, 160, 192, 3)."""
    return to_image(portrait)


@pytest.fixture(scope="session")
def group() -> torch.Tensor:
    """IMAGE with several faces."""
    with Image.open(PICTURES / "group.jpg") as picture:
        return to_image(picture.convert("RGB"))


def to_image(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255)[None]
