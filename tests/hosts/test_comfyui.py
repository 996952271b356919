"""The node pack in a real ComfyUI.

VQFR_COMFYUI names its checkout, VQFR_COMFYUI_PYTHON the Python with what it needs; else they are skipped.
"""

import io
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from stand_ins.weights import reference_weights
from vqfr_core import FaceRestorer, RestoreOptions
from vqfr_core.cli import main
from vqfr_core.options import BlendOptions
from vqfr_core.pictures import to_tensor
from vqfr_core.pipeline import blend_faces, crop_faces, find_faces, finish_faces, restore_faces, select_faces
from vqfr_core.pipeline.restoring.fidelity_maps import fidelity_maps

from . import comfyui

ROOT = Path(__file__).resolve().parents[2]


pytestmark = [
    pytest.mark.skipif(
        not comfyui.CHECKOUT, reason="set VQFR_COMFYUI (a checkout) and VQFR_COMFYUI_PYTHON to test in a real ComfyUI"
    ),
    pytest.mark.slow,  # with as many threads as the host, for pictures equal to the last bit
]

NODE_IDS = [
    "VQFR_LoadModel",
    "VQFR_DetectFaces",
    "VQFR_SelectFaces",
    "VQFR_RestoreFaces",
    "VQFR_BlendFaces",
    "VQFR_Restore",
    "VQFR_FidelitySweep",
    "VQFR_FacesFromCrops",
    "VQFR_MaskToFaces",
    "VQFR_BoxesToFaces",
    "VQFR_SegsToFaces",
    "VQFR_FacesToMask",
    "VQFR_FacesToBoxes",
    "VQFR_FacesToSegs",
]


@pytest.fixture(scope="module")
def host(tmp_path_factory, tiny_v2):
    base = tmp_path_factory.mktemp("comfyui")
    server = comfyui.ComfyUI(base)
    shutil.copy(tiny_v2, base / "models" / "vqfr")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def full_v2(host) -> Any:
    """The name of a file with the sizes of the published v2, and random numbers."""
    path = host.base / "models" / "vqfr" / "full_v2.safetensors"
    save_file(reference_weights(2), path)
    yield path.name
    path.unlink()


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    with Image.open(ROOT / "examples" / "portrait.jpg") as picture:
        return picture.convert("RGB")


@pytest.fixture(scope="module")
def load(host, portrait) -> dict[str, Any]:
    return {"class_type": "LoadImage", "inputs": {"image": host.upload(portrait, "portrait.png")}}


def defaults(host, node_id: str, **given: Any) -> dict[str, Any]:
    """A node with the default of every widget, as the page makes it."""
    info = host.get(f"/object_info/{node_id}")[node_id]["input"]
    values = {}
    for name, (kind, *more) in (info.get("required", {}) | info.get("optional", {})).items():
        settings = more[0] if more else {}
        if "default" in settings:
            values[name] = settings["default"]
        elif kind == "COMBO" and "options" in settings:
            values[name] = settings["options"][0]
    return {"class_type": node_id, "inputs": values | given}


def saved(host, outputs: dict[str, Any], node: str) -> list[np.ndarray]:
    return [np.asarray(Image.open(io.BytesIO(host.view(entry)))) for entry in outputs[node]["images"]]


def save(node: str, output: int = 0) -> dict[str, Any]:
    return {"class_type": "SaveImage", "inputs": {"images": [node, output], "filename_prefix": "test"}}


def test_every_node_is_there(host):
    infos = {node_id: host.get(f"/object_info/{node_id}") for node_id in NODE_IDS}
    assert [node_id for node_id, info in infos.items() if node_id not in info] == []
    assert "IMPORT FAILED): " + str(host.base / "custom_nodes") not in host.log.read_text()


def test_nothing_private_is_served(host):
    served = host.get("/extensions")
    ours = [path for path in served if "comfyui-vqfr" in path]
    assert ours and all(path.startswith("/extensions/comfyui-vqfr/js/") for path in ours)
    with pytest.raises(OSError, match="404"):
        host.get("/extensions/comfyui-vqfr/host.py")
    assert b"Blend" in host.get("/extensions/comfyui-vqfr/docs/VQFR_BlendFaces.md")


def test_the_model_folder_lists_our_files(host):
    assert "tiny_v2.safetensors" in host.get("/models/vqfr")


def simple(host, load, **given: Any) -> dict[str, Any]:
    return {"1": load, "2": defaults(host, "VQFR_Restore", image=["1", 0], **given), "3": save("2")}


def test_the_simple_node_gives_the_picture_of_the_command_line(host, load, portrait, tmp_path):
    outputs = host.run(simple(host, load, model="vqfr_small2", color_match=0.5))
    (image,) = saved(host, outputs, "3")
    expected = FaceRestorer("vqfr_small2", device="cpu").restore(portrait, RestoreOptions(color_match=0.5))
    # Save Image cuts decimals off, where our own files are rounded.
    cut = (expected.image.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    assert np.array_equal(image, cut)
    portrait.save(tmp_path / "in.png")
    words = ["restore", str(tmp_path / "in.png"), "-o", str(tmp_path / "out.png"), "--model", "vqfr_small2"]
    assert main([*words, "--color-match", "0.5", "--device", "cpu", "--quiet"]) == 0
    with Image.open(tmp_path / "out.png") as written:
        difference = np.abs(np.asarray(written, dtype=int) - image)
    assert difference.max() <= 1
    assert outputs["2"]["vqfr_summary"] == ["1 of 1 face restored"]
    assert outputs["2"]["vqfr_before"] and outputs["2"]["vqfr_after"]


def chain(host, load, **restore: Any) -> dict[str, Any]:
    return {
        "1": load,
        "2": defaults(host, "VQFR_LoadModel", model="tiny_v2.safetensors"),
        "3": defaults(host, "VQFR_DetectFaces", image=["1", 0]),
        "4": defaults(host, "VQFR_SelectFaces", faces=["3", 0]),
        "5": defaults(host, "VQFR_RestoreFaces", vqfr_model=["2", 0], faces=["4", 0], **restore),
        "6": defaults(host, "VQFR_BlendFaces", image=["1", 0], faces=["5", 0]),
        "7": save("6"),
    }


def test_wired_by_hand_the_picture_is_the_same(host, load):
    by_hand = saved(host, host.run(chain(host, load)), "7")
    simply = saved(host, host.run(simple(host, load, model="tiny_v2.safetensors")), "3")
    assert np.array_equal(by_hand[0], simply[0])


def test_a_painted_map_gives_the_picture_of_the_library(host, load, portrait):
    painted = Image.new("L", portrait.size)
    painted.paste(255, (0, 0, portrait.width, portrait.height // 2))
    name = host.upload(painted, "map.png")
    prompt = chain(host, load, fidelity=0.2, map_fidelity=0.9, fidelity_map=["8", 0])
    prompt["8"] = {"class_type": "LoadImageMask", "inputs": {"image": name, "channel": "red"}}
    (changed,) = saved(host, host.run(prompt), "7")
    restorer = FaceRestorer(host.base / "models" / "vqfr" / "tiny_v2.safetensors", device="cpu")
    image = to_tensor(portrait)
    cropped = crop_faces(select_faces(find_faces([image], restorer.detector())))
    crops = [face.crop for face in cropped[0].used]
    maps = fidelity_maps(crops, [to_tensor(painted)[0]] * len(crops), cropped[0].size, low=0.2, high=0.9)
    restored = restore_faces(cropped, restorer.model, maps)
    expected = blend_faces(finish_faces(restored, BlendOptions(mask="soft")))[0].image
    assert np.array_equal(changed, (expected.permute(1, 2, 0).numpy() * 255).astype(np.uint8))


def test_edited_crops_come_back(host, load):
    prompt = chain(host, load)
    del prompt["2"], prompt["5"]
    prompt["8"] = {"class_type": "ImageInvert", "inputs": {"image": ["4", 1]}}
    prompt["9"] = defaults(host, "VQFR_FacesFromCrops", faces=["4", 0], crops=["8", 0])
    prompt["6"]["inputs"] |= {"faces": ["9", 0], "color_match": 0.0}
    (image,) = saved(host, host.run(prompt), "7")
    (before,) = saved(host, host.run({"1": load, "2": save("1")}), "2")
    inverted = np.abs(image.astype(int) - (255 - before.astype(int))).max(-1) <= 6
    untouched = (image == before).all(-1)
    assert inverted.mean() > 0.05 and untouched.mean() > 0.3


def test_a_sweep_and_the_conversions(host, load):
    prompt = chain(host, load) | {
        "10": defaults(host, "VQFR_FidelitySweep", vqfr_model=["2", 0], faces=["3", 0], fidelities="0, 1", cell_px=128),
        "11": save("10"),
        "12": defaults(host, "VQFR_FacesToMask", faces=["3", 0]),
        "13": defaults(host, "VQFR_MaskToFaces", image=["1", 0], mask=["12", 0]),
        "14": defaults(host, "VQFR_FacesToBoxes", faces=["13", 0]),
        "15": defaults(host, "VQFR_BoxesToFaces", image=["1", 0], boxes=["14", 0]),
        "16": defaults(host, "VQFR_FacesToSegs", faces=["15", 0]),
        "17": defaults(host, "VQFR_SegsToFaces", image=["1", 0], segs=["16", 0]),
        "18": {"class_type": "PreviewAny", "inputs": {"source": ["17", 5]}},
    }
    outputs = host.run(prompt)
    assert 3 * 128 < saved(host, outputs, "11")[0].shape[1] < 3.5 * 128
    assert json.loads(outputs["18"]["text"][0])["summary"] == "1 of 1 face chosen"
    assert outputs["17"]["images"]


def test_boxes_of_the_host_come_in_and_go_out(host, load):
    kinds = host.get("/object_info")
    if "CreateBoundingBoxes" not in kinds:
        pytest.skip("this ComfyUI is older than its boxes")
    drawn = [{"x": 150, "y": 120, "width": 220, "height": 270, "metadata": {}}]
    prompt = chain(host, load)
    prompt["8"] = defaults(
        host,
        "CreateBoundingBoxes",
        editor_state={"__value__": drawn},
        last_incoming={"__value__": []},
        width=512,
        height=512,
    )
    prompt["3"] = defaults(host, "VQFR_BoxesToFaces", image=["1", 0], boxes=["8", 1])
    prompt["9"] = defaults(host, "VQFR_FacesToBoxes", faces=["4", 0])
    prompt["10"] = {"class_type": "DrawBBoxes", "inputs": {"image": ["1", 0], "bboxes": ["9", 1]}}
    prompt["11"] = save("10")
    outputs = host.run(prompt)
    plain = saved(host, host.run({"1": load, "2": save("1")}), "2")[0]
    assert (saved(host, outputs, "7")[0] != plain).any() and (saved(host, outputs, "11")[0] != plain).any()


def test_a_bypassed_restore_gives_the_image_back(host, load):
    prompt = chain(host, load)
    del prompt["2"], prompt["5"]
    prompt["6"]["inputs"]["faces"] = ["4", 0]
    prompt["8"] = {"class_type": "PreviewAny", "inputs": {"source": ["6", 2]}}
    outputs = host.run(prompt)
    assert json.loads(outputs["8"]["text"][0])["summary"].startswith("0 of 1 face restored")
    assert np.array_equal(saved(host, outputs, "7")[0], saved(host, host.run({"1": load, "2": save("1")}), "2")[0])


def test_detect_runs_alone_and_is_shown_again_from_the_cache(host, load):
    prompt = {"1": load, "2": defaults(host, "VQFR_DetectFaces", image=["1", 0])}
    assert host.run(prompt)["2"]["images"]
    prompt |= {
        "3": defaults(host, "VQFR_SelectFaces", faces=["2", 0]),
        "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 3]}},
    }
    host.run(prompt)
    is_known = "has_intermediate_output" in host.get("/object_info/VQFR_SelectFaces")["VQFR_SelectFaces"]
    assert not is_known or host.run(prompt)["3"]["images"], "nothing ran, yet the page gets the picture"


def test_memory_comes_back_when_the_host_unloads_its_models(host, load, full_v2):
    prompt = simple(host, load, model=full_v2, fidelity=0.0)
    host.run(simple(host, load, model="tiny_v2.safetensors"))
    host.free()
    before = host.memory_mb()
    host.run(prompt)
    loaded, loads = host.memory_mb(), host.log.read_text().count("Requested to load VqfrNetwork")
    prompt["2"]["inputs"]["opacity"] = 0.5
    host.run(prompt)
    assert host.log.read_text().count("Requested to load VqfrNetwork") == loads, "kept for the next run"
    host.free()
    assert loaded > before + 250 and host.memory_mb() < before + 50


def test_frames_without_faces_pass_through(host, load):
    blank = host.upload(Image.new("RGB", (64, 64), (90, 120, 150)), "blank.png")
    prompt = simple(host, {"class_type": "LoadImage", "inputs": {"image": blank}}, model="vqfr_small2")
    outputs = host.run(prompt)
    assert (saved(host, outputs, "3")[0] == (90, 120, 150)).all()
    assert outputs["2"]["vqfr_summary"] == ["no face found"]
    prompt = chain(host, load)
    prompt["1"] = {"class_type": "LoadImage", "inputs": {"image": blank}}
    prompt["8"] = defaults(host, "VQFR_FacesFromCrops", faces=["3", 0], crops=["3", 1])
    prompt["6"]["inputs"]["faces"] = ["8", 0]
    assert (saved(host, host.run(prompt), "7")[0] == (90, 120, 150)).all()


def test_the_same_prompt_is_not_run_again_and_a_change_runs_only_what_follows(host, load):
    def executed(entry: dict[str, Any]) -> set[str]:
        cached = next(data["nodes"] for kind, data in entry["status"]["messages"] if kind == "execution_cached")
        return set(prompt) - set(cached)

    prompt = chain(host, load)
    host.run(prompt)
    assert executed(host.wait(host.queue(prompt))) == set()
    prompt["6"]["inputs"]["opacity"] = 0.25
    assert executed(host.wait(host.queue(prompt))) == {"6", "7"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"4": {"select": "first"}}, "select: cannot understand 'first'"),
        ({"5": {"fidelity_list": "0.1, 0.2"}}, "2 fidelities were given for 1 faces"),
    ],
)
def test_what_is_wrong_stands_on_the_node(host, load, changes, message):
    prompt = chain(host, load)
    for node, inputs in changes.items():
        prompt[node]["inputs"] |= inputs
    assert message in host.fails(prompt)


def test_missing_weights_are_explained(host, load):
    message = host.fails(simple(host, load, model="vqfr_v2"))
    assert "VQFR_v2.pth" in message and str(host.base / "models" / "vqfr") in message


def test_a_value_out_of_range_is_refused_before_the_run(host, load):
    status, answer = host.post("/prompt", {"prompt": simple(host, load, model="vqfr_small2", fidelity=1.5)})
    assert status == 400 and "2" in answer["node_errors"]


def test_a_former_model_name_is_accepted_and_an_unknown_one_refused(host, load):
    assert saved(host, host.run(simple(host, load, model="vqfr_small", opacity=0.7)), "3")
    status, answer = host.post("/prompt", {"prompt": simple(host, load, model="gone.pth")})
    assert status == 400 and "choose one of auto" in json.dumps(answer["node_errors"]["2"])


def test_cancelling_takes_effect_at_once_and_leaves_the_host_healthy(host, portrait, load):
    prompt = simple(host, load, model="vqfr_small2", opacity=0.9)
    prompt["9"] = {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 60}}
    prompt["2"]["inputs"]["image"] = ["9", 0]
    prompt_id = host.queue(prompt)
    deadline = time.monotonic() + 60
    while "2" not in host.log.read_text() or not host.get("/queue")["queue_running"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(3)
    start = time.monotonic()
    host.post("/interrupt", {})
    entry = host.wait(prompt_id, 60)
    assert time.monotonic() - start < 15
    assert "execution_interrupted" in [kind for kind, _ in entry["status"]["messages"]]
    host.run(simple(host, load, model="vqfr_small2", opacity=0.8))
