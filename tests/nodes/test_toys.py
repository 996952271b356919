"""Networks that only a row made known, in the nodes' menus and at work."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from stand_ins.comfyui import PACK
from stand_ins.toys import TOYS, save_toys, toy_rows


@pytest.fixture
def toys(pack: Any, host: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    registry = pack.vqfr_core.networks.registry
    monkeypatch.setattr(registry, "ARCHITECTURES", (*registry.ARCHITECTURES, *toy_rows(f"{PACK}.vqfr_core")))
    folder = Path(host.models) / "vqfr"
    save_toys(folder)
    yield
    for name in TOYS:
        (folder / f"{name}.safetensors").unlink()


def options_of(pack: Any, node_id: str, input_id: str) -> list[str]:
    schema = pack.nodes_by_id[node_id].define_schema()
    (options,) = (socket.settings["options"] for socket in schema.inputs if socket.id == input_id)
    return list(options)


def test_toys_are_in_the_menus(toys: Any, pack: Any):
    assert "toy_restorer" in options_of(pack, "VQFR_LoadModel", "model")
    assert "toy_restorer" in options_of(pack, "VQFR_Restore", "model")
    assert "toy_detector" in options_of(pack, "VQFR_DetectFaces", "detector")


def test_toys_restore_a_picture(toys: Any, run: Callable[..., dict[str, Any]], portrait: torch.Tensor):
    model = run("VQFR_LoadModel", model="toy_restorer")["vqfr_model"]
    found = run("VQFR_DetectFaces", image=portrait, detector="toy_detector")
    assert found["count"] == 1
    done = run("VQFR_RestoreFaces", vqfr_model=model, faces=found["found_faces"])
    assert done["crops"].shape == (1, 256, 256, 3)
    blended = run("VQFR_BlendFaces", image=portrait, faces=done["restored_faces"], mask="parsing", color_match=0.0)
    simple = run(
        "VQFR_Restore", image=portrait, model="toy_restorer", detector="toy_detector", mask="parsing", color_match=0.0
    )
    assert torch.equal(blended["result"], simple["result"]) and not torch.equal(simple["result"], portrait)
    assert '"toy_restorer"' in simple["report"] and '"toy_detector"' in simple["report"]


def test_a_map_that_a_network_cannot_use_is_mentioned(
    toys: Any, run: Callable[..., dict[str, Any]], portrait: torch.Tensor
):
    model = run("VQFR_LoadModel", model="toy_restorer")["vqfr_model"]
    faces = run("VQFR_DetectFaces", image=portrait, detector="toy_detector")["found_faces"]
    plain = run("VQFR_RestoreFaces", vqfr_model=model, faces=faces)
    painted = run("VQFR_RestoreFaces", vqfr_model=model, faces=faces, fidelity_map=torch.ones(1, 32, 32))
    assert torch.equal(painted["crops"], plain["crops"])
    assert "has no fidelity" in painted["report"] and "has no fidelity" not in plain["report"]
