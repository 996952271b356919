"""The example workflows, opened and run in a real ComfyUI's page.

VQFR_COMFYUI and VQFR_COMFYUI_PYTHON as for `test_comfyui`; Playwright, PyAV and Chromium are needed besides.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from stand_ins.upscalers import save_plain
from tools import make_workflows

from . import comfyui

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / "example_workflows").glob("*.json"))
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.skipif(not comfyui.CHECKOUT, reason="set VQFR_COMFYUI and VQFR_COMFYUI_PYTHON"),
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    base = tmp_path_factory.mktemp("comfyui")
    pytest.importorskip("spandrel")
    save_plain(base / "models" / "upscale_models" / make_workflows.UPSCALER)
    server = comfyui.ComfyUI(base)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def page(host):
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install playwright")
    pytest.importorskip("av", reason="needs PyAV: pip install av")
    with sync_api.sync_playwright() as playwright:
        page = make_workflows.open_page(playwright, host.url)
        make_workflows.upload(page, host.url, make_workflows.PICTURE, make_workflows.make_picture())
        make_workflows.upload(page, host.url, make_workflows.CLIP, make_workflows.make_clip())
        yield page
        page.context.browser.close()


def open_graph(page, host, graph: dict[str, Any]) -> None:
    page.goto(host.url)
    page.wait_for_function("!!window.app?.graph && 'VQFR_Restore' in LiteGraph.registered_node_types")
    page.wait_for_timeout(2000)
    page.evaluate("graph => app.loadGraphData(graph)", graph)
    page.wait_for_timeout(1000)


def run_graph(page, host) -> dict[str, Any]:
    before = set(host.get("/history"))
    page.evaluate(
        "clip => app.graph._nodes.filter(n => n.type === 'LoadVideo').forEach(n => n.widgets[0].value = clip)",
        make_workflows.CLIP,
    )
    page.evaluate("app.queuePrompt(0)")
    page.wait_for_timeout(1000)
    while any(host.get("/queue").values()):
        page.wait_for_timeout(500)
    (entry,) = [entry for key, entry in host.get("/history").items() if key not in before]
    return entry


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_example_opens_without_red_nodes_and_runs(page, host, path):
    open_graph(page, host, json.loads(path.read_text()))
    missing = (
        "app.graph._nodes.filter(n => !(n.type in LiteGraph.registered_node_types) || n.has_errors).map(n => n.type)"
    )
    assert page.evaluate(missing) == []
    entry = run_graph(page, host)
    assert entry["status"]["status_str"] == "success", entry["status"]
    saved = [files for output in entry["outputs"].values() for files in output.get("images", [])]
    assert any(file["type"] == "output" for file in saved)


def test_pictures_on_nodes_come_back(page, host):
    shown = "document.querySelector('.vqfr-compare img.after')?.naturalWidth > 0"
    graph = json.loads((ROOT / "example_workflows" / "Restore faces.json").read_text())
    open_graph(page, host, graph)
    run_graph(page, host)
    page.wait_for_function(shown)
    open_graph(page, host, graph)
    assert not page.evaluate(shown)
    run_graph(page, host)
    if "has_intermediate_output" not in host.get("/object_info/VQFR_Restore")["VQFR_Restore"]:
        pytest.skip("this ComfyUI does not send what it has in its cache")
    page.wait_for_function(shown)
    page.evaluate("app.graph._nodes.find(n => n.type == 'VQFR_Restore').pos[0] += 50")
    page.evaluate("app.extensionManager.workflow.activeWorkflow.changeTracker.checkState()")
    page.evaluate("app.extensionManager.workflow.activeWorkflow.changeTracker.undo()")
    page.wait_for_timeout(500)
    page.wait_for_function(shown)
    for command, is_shown in (("Comfy.NewBlankWorkflow", "false"), ("Workspace.PreviousOpenedWorkflow", "true")):
        page.evaluate("command => app.extensionManager.command.execute(command)", command)
        page.wait_for_function(f"Boolean({shown}) === {is_shown}")


def test_the_slider_pages_through_a_batch(page, host):
    graph = json.loads((ROOT / "example_workflows" / "Restore a video.json").read_text())
    open_graph(page, host, graph)
    run_graph(page, host)
    number = ".vqfr-compare .pages span"
    assert page.inner_text(number) == "1 / 8"
    first = page.get_attribute(".vqfr-compare img.after", "src")
    page.evaluate("document.querySelector('.vqfr-compare .back').click()")
    assert page.inner_text(number) == "8 / 8" and page.get_attribute(".vqfr-compare img.after", "src") != first


def test_the_slider_compares_and_stays_out_of_the_prompt(page, host):
    open_graph(page, host, json.loads((ROOT / "example_workflows" / "Restore faces.json").read_text()))
    run_graph(page, host)
    page.wait_for_selector(".vqfr-compare img.after")
    page.wait_for_function("document.querySelector('.vqfr-compare img.after').naturalWidth > 0")
    assert page.inner_text(".vqfr-compare p") == "1 of 1 face restored"
    slider = page.locator(".vqfr-compare input")
    left = "getComputedStyle(document.querySelector('.vqfr-compare .line')).left"
    middle = page.evaluate(left)
    slider.focus()
    page.keyboard.press("Home")
    assert float(page.evaluate(left).removesuffix("px")) < float(middle.removesuffix("px"))
    inputs = page.evaluate(
        "async () => Object.values((await app.graphToPrompt()).output).map(n => Object.keys(n.inputs))"
    )
    assert not any("compare" in name for names in inputs for name in names)
