"""The extension in a real AUTOMATIC1111 WebUI and a real Forge.

Set for either (the other is skipped): VQFR_A1111 or VQFR_FORGE (a checkout with repositories/ filled in),
..._PYTHON (the Python it runs with) and ..._CHECKPOINTS (a folder with a Stable Diffusion 1.5 checkpoint). With
VQFR_ADETAILER (a checkout of that extension; the Python needs ultralytics and mediapipe) also beside ADetailer.
The picture is img2img of a portrait at almost no strength, so any checkpoint gives a face back.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .webui_server import ROOT, Installation, Server, decoded, encoded

pytestmark = pytest.mark.slow

PORTRAIT = ROOT / "examples" / "portrait.jpg"
CONFIG = {"postprocessing_enable_in_main_ui": ["VQFR Face Restore"]}
DEFAULTS = {f"{place}/Mask/value": "box" for place in ("customscript/vqfr_webui.py/txt2img", "vqfr")}
SIZE = 384


@pytest.fixture(scope="module", params=["a1111", "forge"])
def installation(request: pytest.FixtureRequest) -> Installation:
    name = f"VQFR_{request.param.upper()}"
    values = [os.environ.get(variable) for variable in (name, f"{name}_PYTHON", f"{name}_CHECKPOINTS")]
    if not all(values):
        pytest.skip(f"{name}, {name}_PYTHON and {name}_CHECKPOINTS name no {request.param} on this machine")
    checkout, python, checkpoints = (Path(value).absolute() for value in values if value)
    adetailer = os.environ.get("VQFR_ADETAILER")
    found = Installation(
        request.param, checkout, python, checkpoints, Path(adetailer).absolute() if adetailer else None
    )
    run_installer(found)  # the servers are started without, since it would install other extensions' packages, too
    return found


@pytest.fixture(scope="module")
def server(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(installation, tmp_path_factory.mktemp(installation.kind) / "data", CONFIG, DEFAULTS)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def plain(server: Server) -> "Generated":
    """The picture without us."""
    warm_up(server)
    return generate(server)


class Generated:
    """The first picture of an answer and its infotext."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.images = [decoded(text).convert("RGB") for text in answer["images"]]
        self.infotexts = json.loads(answer["info"])["infotexts"]
        self.pixels = np.asarray(self.images[0]).astype(int)
        self.infotext = self.infotexts[0]


def generate(server: Server, scripts: dict[str, Any] | None = None, **more: Any) -> Generated:
    with Image.open(PORTRAIT) as portrait:
        picture = encoded(portrait.resize((SIZE, SIZE)))
    body = {"init_images": [picture], "denoising_strength": 0.05, "steps": 4, "width": SIZE, "height": SIZE, "seed": 1}
    named = {"alwayson_scripts": {name: {"args": arguments} for name, arguments in (scripts or {}).items()}}
    return Generated(server.call("/sdapi/v1/img2img", {**body, "sampler_name": "Euler", **named, **more}))


def warm_up(server: Server) -> None:
    """A generation to throw away: Forge's first, and its first after one of another kind, rounds a pixel or two
    differently from those that follow."""
    generate(server)


def test_it_is_everywhere_it_should_be(server):
    complaints = [line for line in server.text().splitlines() if "rror" in line and "vqfr" in line.lower()]
    assert not complaints
    listed = server.call("/sdapi/v1/scripts")
    for tab in ("txt2img", "img2img"):
        assert listed[tab].count("vqfr") == listed[tab].count("vqfr face restore") == 1
    assert [known["name"] for known in server.call("/sdapi/v1/face-restorers")].count("VQFR") == 1
    ids = [component["props"].get("elem_id") for component in server.call("/config")["components"]]
    assert ids.count("setting_vqfr_fidelity") == ids.count("tab_vqfr") == ids.count("vqfr_tab_restore") == 1


def test_a_default_saved_under_a_retired_name_is_kept(server):
    shown = {part["props"].get("elem_id"): part["props"].get("value") for part in server.call("/config")["components"]}
    masks = ("script_txt2img_vqfr_mask", "script_img2img_vqfr_mask", "vqfr_tab_mask")
    assert [shown[name] for name in masks] == ["crop", "auto", "crop"]


def test_it_is_off_unless_asked_for(plain):
    assert "VQFR" not in plain.infotext


def test_faces_of_a_generation_are_restored(server, plain):
    fixed = generate(server, {"VQFR": [True, {"fidelity": 0.7}]})
    change = np.abs(fixed.pixels - plain.pixels).max(axis=2)
    assert change.max() > 10 and (change == 0).mean() > 0.3
    assert "VQFR faces: 1 of" in fixed.infotext and "VQFR fidelity: 0.7" in fixed.infotext


def test_before_compositing_too(server):
    after, before = (generate(server, {"VQFR": [True, {"when": f"{when} composite"}]}) for when in ("after", "before"))
    assert (after.pixels == before.pixels).all() and "VQFR when: before composite" in before.infotext


def test_unknown_options_are_refused_and_the_picture_survives(server, plain):
    refused = generate(server, {"VQFR": [True, {"fidelty": 0.7}]})
    assert "unknown option fidelty; known are" in refused.infotext
    assert (refused.pixels == plain.pixels).all()


def test_only_the_inpaint_mask_changes(server):
    mask = Image.new("L", (SIZE, SIZE), 0)
    mask.paste(255, (0, 0, 220, SIZE))
    inpaint = {"mask": encoded(mask), "mask_blur": 0, "inpainting_fill": 1}
    before, inside = generate(server, **inpaint), generate(server, {"VQFR": [True]}, **inpaint)
    change = np.abs(inside.pixels - before.pixels).max(axis=2)
    assert change[:, :220].max() > 10 and change[:, 220:].max() == 0


def test_no_face_is_said(server):
    body = {"steps": 2, "width": 256, "height": 256, "alwayson_scripts": {"VQFR": {"args": [True]}}}
    assert "VQFR faces: none found" in Generated(server.call("/sdapi/v1/txt2img", body)).infotext


def test_as_the_hosts_own_face_restorer(server, plain):
    chosen = {"restore_faces": True, "override_settings": {"face_restoration_model": "VQFR"}}
    warm_up(server)
    fixed, script = generate(server, **chosen), generate(server, {"VQFR": [True]})
    assert "Face restoration: VQFR" in fixed.infotext and "VQFR faces: 1 of" in fixed.infotext
    assert (fixed.pixels == script.pixels).all() and (fixed.pixels != plain.pixels).any()


def test_all_at_once_restore_a_picture_once(server):
    once = generate(server, {"VQFR": [True]})
    native = {"restore_faces": True, "override_settings": {"face_restoration_model": "VQFR"}}
    extras = {"VQFR Face Restore": [True, "auto"]}
    assert (generate(server, {"VQFR": [True], **extras}, **native).pixels == once.pixels).all()
    assert (generate(server, extras, **native).pixels == once.pixels).all()
    assert (generate(server, extras).pixels == once.pixels).all()


def test_a_plot_over_opacity(server, plain):
    script = next(s for s in server.call("/sdapi/v1/script-info") if s["name"] == "x/y/z plot" and s["is_img2img"])
    axes = script["args"][0]["choices"]
    assert len(axes) == len(set(axes)) and "[VQFR] Model" in axes
    nothing = [axes.index("Nothing"), "", []]
    x = [axes.index("[VQFR] Opacity"), "0, 1", []]
    rest = [False, True, False, False, False, False, False, 0, False]
    plot = generate(server, script_name="x/y/z plot", script_args=[*x, *nothing, *nothing, *rest])
    cells = [np.asarray(image).astype(int) for image in plot.images[1:3]]
    assert np.abs(cells[0] - plain.pixels).max() <= 1 and np.abs(cells[1] - plain.pixels).max() > 10
    assert ["VQFR opacity: 0.0" in text for text in plot.infotexts[1:3]] == [True, False]


def test_http_routes(server):
    body = {"image": encoded(Image.open(PORTRAIT)), "options": {"opacity": 0.5}}
    answer = server.call("/vqfr/restore", body)
    assert decoded(answer["image"]).size == Image.open(PORTRAIT).size
    assert [face["status"] for face in server.call("/vqfr/detect", body)["faces"]] == ["found"]
    assert server.status("/vqfr/restore", {**body, "model": "../x.pth"})[0] == 422
    assert "vqfr_small2" in [model["name"] for model in server.call("/vqfr/models")]
    assert "opacity" in server.call("/vqfr/schema")["options"]


def test_reload_ui_leaves_no_doubles(server):
    before = server.call("/config")
    button = next(c["id"] for c in before["components"] if c["props"].get("elem_id") == "settings_restart_gradio")
    calls = enumerate(before["dependencies"])
    number = next(
        i for i, d in calls if d["backend_fn"] and button in [t if isinstance(t, int) else t[0] for t in d["targets"]]
    )
    server.call("/run/predict", {"fn_index": number, "data": [], "session_hash": "test"})
    server.wait_until_started(times=2)
    test_it_is_everywhere_it_should_be(server)
    assert len(server.call("/config")["components"]) == len(before["components"])
    test_a_plot_over_opacity(server, generate(server))
    assert server.call("/vqfr/models")


def test_extras_gives_the_command_lines_picture(installation, tmp_path):
    transparent = Image.open(PORTRAIT).convert("RGBA")
    transparent.putalpha(Image.linear_gradient("L").resize(transparent.size))
    (tmp_path / "rgba.png").parent.mkdir(exist_ok=True)
    transparent.save(tmp_path / "rgba.png")
    on = {"enabled": True, "model": "vqfr_small2", "opacity": 0.8, "feather": 0.1}
    jobs = [
        {"source": str(PORTRAIT), "target": str(tmp_path / "extras.png"), "arguments": on},
        {"source": str(tmp_path / "rgba.png"), "target": str(tmp_path / "extras_rgba.png"), "arguments": on},
        {"source": str(PORTRAIT), "target": str(tmp_path / "off.png"), "arguments": dict.fromkeys(on)},
    ]
    data = tmp_path / "data"
    (data / "extensions").mkdir(parents=True)
    (data / "extensions" / "vqfr-face-restore").symlink_to(ROOT)
    script = str(Path(__file__).with_name("run_extras.py"))
    command = [installation.python, script, json.dumps(jobs), *installation.flags(data), "--ui-debug-mode"]
    run(command, installation, installation.checkout)
    settings = ["--model", "vqfr_small2", "--opacity", "0.8", "--feather", "0.1", "--device", "cpu", "--no-download"]
    for source, target in ((PORTRAIT, "cli.png"), (tmp_path / "rgba.png", "cli_rgba.png")):
        command = [installation.python, "-m", "vqfr_core", "restore", source, "-o", tmp_path / target, *settings]
        run(command, installation, ROOT)
    for mine, theirs in (("extras", "cli"), ("extras_rgba", "cli_rgba")):
        pictures = [Image.open(tmp_path / f"{name}.png") for name in (mine, theirs)]
        assert pictures[0].mode == pictures[1].mode and pictures[0].tobytes() == pictures[1].tobytes(), mine
    assert Image.open(tmp_path / "off.png").tobytes() == Image.open(PORTRAIT).tobytes()
    text = (tmp_path / "extras.txt").read_text()
    assert "VQFR model: vqfr_small2" in text and "VQFR opacity: 0.8" in text and "VQFR faces: 1 of 1" in text


def test_the_installer_is_quick_and_only_warns_when_nothing_is_to_do(installation):
    start = time.perf_counter()
    said = run_installer(installation)
    assert not said or (said.startswith("VQFR: known security faults") and said.count("\n") == 1)
    assert time.perf_counter() - start < 5


def run_installer(installation: Installation) -> str:
    """As a WebUI does at each of its starts; what it says."""
    environment = {**installation.environment(), "PYTHONPATH": str(installation.checkout)}
    command = [str(installation.python), str(ROOT / "install.py")]
    done = subprocess.run(command, cwd=installation.checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(command: list[Any], installation: Installation, folder: Path) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, env=installation.environment(), capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_beside_adetailer_every_face_of_a_batch_is_restored_once(server, installation):
    """Last: after it the WebUI rounds a pixel here and there differently."""
    if installation.adetailer is None:
        pytest.skip("VQFR_ADETAILER names no ADetailer on this machine")
    found = {"ad_model": "mediapipe_face_full", "ad_denoising_strength": 0.05}
    both = {"VQFR": [True], "ADetailer": [True, False, found]}
    again = {"VQFR": [True], "ADetailer": [True, False, {**found, "ad_restore_face": True}]}
    chosen = {"batch_size": 2, "override_settings": {"face_restoration_model": "VQFR", "return_grid": False}}
    warm_up(server)
    alone = generate(server, both, **chosen)
    others = [
        generate(server, scripts, **chosen, restore_faces=native)
        for scripts, native in ((both, True), (again, False), (again, True))
    ]
    for other in others:
        for one, image, infotext in zip(alone.images, other.images, other.infotexts, strict=True):
            difference = np.abs(np.asarray(one).astype(int) - np.asarray(image).astype(int))
            assert difference.max() <= 1 and "VQFR faces: 1 of" in infotext
