"""Networks: loaded once, given back when asked for, and found where other tools put them."""

import sys

import pytest
import torch

from .conftest import differs


@pytest.fixture
def restoring(webui, tiny):
    return webui.part("restoring")


@pytest.fixture
def request_tiny(webui, tiny):
    return webui.part("request").Request(tiny)


def test_networks_are_kept_one_model_at_a_time(restoring, request_tiny, webui, tiny, portrait):
    restoring.restore_image(portrait, request_tiny)
    first = restoring.open_restorer(tiny)
    assert restoring.open_restorer(tiny) is first
    restoring.open_restorer("vqfr_small2")
    assert len(restoring._kept) == 1 and restoring.open_restorer(tiny) is not first


def test_networks_are_dropped_when_the_webui_says_so(restoring, request_tiny, portrait, webui, monkeypatch):
    monkeypatch.setattr(webui.part("host"), "unloads_after_use", lambda: True)
    restoring.restore_image(portrait, request_tiny)
    assert not restoring._kept


def test_on_the_cpu_there_is_nothing_to_unload(webui):
    webui.opts.face_restoration_unload = True
    assert not webui.part("host").unloads_after_use()


def test_reload_ui_gives_memory_back(restoring, request_tiny, portrait, webui):
    restoring.restore_image(portrait, request_tiny)
    for unload in webui.callbacks["script_unloaded"]:
        unload()
    assert not restoring._kept


def test_the_webui_chooses_the_device_by_our_name(restoring, webui, monkeypatch):
    asked = []
    device = lambda task: asked.append(task) or torch.device("cpu")  # noqa: E731
    monkeypatch.setattr(sys.modules["modules.devices"], "get_device_for", device)
    webui.part("host").device()
    assert asked == ["vqfr"]


def test_works_inside_inference_mode_and_outside_afterwards(restoring, request_tiny, portrait):
    """Forge generates in inference mode, where a network made carelessly is of no use later."""
    with torch.inference_mode():
        inside = restoring.restore_image(portrait, request_tiny).image
    assert differs(inside, portrait)
    assert not differs(restoring.restore_image(portrait, request_tiny).image, inside)
    network = restoring.open_restorer(request_tiny.model).network
    assert not any(parameter.is_inference() for parameter in network.parameters())


def test_weights_of_other_tools_are_found(webui):
    models = webui.part("models")
    assert not models.models().is_present("retinaface_resnet50")
    folder = webui.models_path / "GFPGAN"
    folder.mkdir(parents=True)
    (folder / "detection_Resnet50_Final.pth").write_bytes(b"weights")
    assert models.models().is_present("retinaface_resnet50")


def test_auto_is_the_best_that_is_there(webui):
    models = webui.part("models")
    assert models.resolve_model("auto") == "vqfr_small2"
    folder = webui.models_path / "VQFR"
    folder.mkdir(parents=True)
    (folder / "VQFR_v2.pth").write_bytes(b"weights")
    (folder / "notes.txt").write_text("")
    assert models.resolve_model("auto") == "vqfr_v2"
    assert models.model_names() == ["auto", "vqfr_v2", "vqfr_v1", "vqfr_small2"]
