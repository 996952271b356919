"""Graphs, prompts and schemas saved with earlier versions: what they say still holds. See tests/data/saved."""

import json
from pathlib import Path
from typing import Any

import pytest

SAVED = Path(__file__).parents[1] / "data" / "saved"
WORKFLOWS = ("simple", "detect_select_restore_blend", "faithful_eyes", "own_processing_of_crops", "video_frames")
NODES: dict[str, Any] = json.loads((SAVED / "nodes.json").read_text())


def read(name: str) -> Any:
    return json.loads((SAVED / f"{name}.json").read_text())


def is_allowed(value: Any, socket: Any) -> bool:
    settings, default = socket.settings, socket.settings["default"]
    if "options" in settings:
        return value in settings["options"]
    if isinstance(default, bool | str):
        return type(value) is type(default)
    return settings["min"] <= value <= settings["max"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_widgets_of_a_saved_graph_are_still_the_same(pack, name):
    ours = [node for node in read(name)["nodes"] if node["type"].startswith("VQFR_")]
    assert ours
    for node in ours:
        schema = pack.nodes_by_id[node["type"]].define_schema()
        widgets = [socket for socket in schema.inputs if "default" in socket.settings]
        saved_ids = [socket["name"] for socket in node["inputs"] if "widget" in socket]
        values = node.get("widgets_values") or []
        assert [widget.id for widget in widgets][: len(values)] == saved_ids[: len(values)]
        for value, widget in zip(values, widgets, strict=False):
            assert is_allowed(value, widget), (node["type"], widget.id, value)
        assert {socket["name"] for socket in node["inputs"]} <= {socket.id for socket in schema.inputs}


@pytest.mark.parametrize("node_id", NODES)
def test_a_node_keeps_its_sockets_their_order_and_their_defaults(pack, node_id):
    saved, schema = NODES[node_id], pack.nodes_by_id[node_id].define_schema()
    assert schema.display_name == saved["display_name"]
    for before, now in zip(saved["inputs"], schema.inputs, strict=False):
        assert now.id == before["id"] and before["type"] in now.io_type.split(","), now.id
        assert now.settings.get("default") == before.get("default"), now.id
        if now.id == "model":  # its menu lists what is in the folders, and no former names
            check = pack.nodes_by_id[node_id].validate_inputs
            assert all(check(model=name) is True for name in before["options"])
        else:
            assert set(before.get("options", ())) <= set(now.settings.get("options", ())), now.id
    assert len(schema.inputs) >= len(saved["inputs"])
    newer = schema.inputs[len(saved["inputs"]) :]
    assert all(socket.settings.get("optional") for socket in newer), "saved prompts lack them"
    outputs = [(output.id, output.io_type) for output in schema.outputs]
    assert outputs[: len(saved["outputs"])] == [(output["id"], output["type"]) for output in saved["outputs"]]


def test_a_saved_prompt_runs(pack, run, portrait):
    prompt, done = read("prompt"), {"1": [portrait]}

    def output(link: list[Any]) -> Any:
        node, place = link
        if node not in done:
            saved = prompt[node]
            given = {
                name: output(value) if isinstance(value, list) else value for name, value in saved["inputs"].items()
            }
            answer = run(saved["class_type"], **given)
            done[node] = [answer[socket.id] for socket in pack.nodes_by_id[saved["class_type"]].define_schema().outputs]
        return done[node][place]

    assert output(["6", 0]).shape == (1, 240, 288, 3) and output(["6", 1]).max() > 0.8
    assert output(["7", 0]).shape == portrait.shape and output(["7", 1]).max() == 1


@pytest.mark.parametrize("node_id", ["VQFR_LoadModel", "VQFR_Restore"])
def test_a_former_model_is_accepted_but_not_listed(pack, node_id):
    node = pack.nodes_by_id[node_id]
    (menu,) = (socket for socket in node.define_schema().inputs if socket.id == "model")
    assert "vqfr_small" not in menu.settings["options"] and "vqfr_small2" in menu.settings["options"]
    assert node.validate_inputs(model="vqfr_small") is True and node.validate_inputs() is True
    assert "choose one of auto, vqfr_v2" in node.validate_inputs(model="gone.pth")


def test_a_former_model_loads_its_successor_once(run, caplog):
    before, now = (run("VQFR_LoadModel", model=name)["vqfr_model"] for name in ("vqfr_small", "vqfr_small2"))
    assert before is now and str(now) == "<vqfr_small2, fp32>"
    assert "vqfr_small is now vqfr_small2" in caplog.text


def test_retired_values_stand_last_in_the_menus(pack):
    for node_id in ("VQFR_BlendFaces", "VQFR_Restore"):
        (menu,) = (socket for socket in pack.nodes_by_id[node_id].define_schema().inputs if socket.id == "mask")
        assert menu.settings["options"] == ["auto", "parsing", "soft", "crop", "box"]
        assert "box" not in menu.settings["tooltip"]
