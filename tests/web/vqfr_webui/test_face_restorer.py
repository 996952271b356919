"""VQFR as the WebUI's own face restorer, and its page of settings."""

import numpy as np
import pytest

from vqfr_core import option_specs


@pytest.fixture
def restorer(webui, tiny):
    webui.opts.vqfr_model = tiny
    return webui.face_restorers[-1]


def test_gives_an_array_of_the_same_kind(restorer, portrait):
    array = np.asarray(portrait)
    restored = restorer.restore(array)
    assert restored.shape == array.shape and restored.dtype == np.uint8 and (restored != array).any()


def test_no_face_is_the_very_array(restorer):
    blank = np.full((48, 64, 3), 128, np.uint8)
    assert restorer.restore(blank) is blank


def test_settings_count(restorer, portrait, webui):
    webui.opts.vqfr_select = "none"
    array = np.asarray(portrait)
    assert restorer.restore(array) is array


def test_a_failure_is_reported_and_costs_no_picture(restorer, portrait, webui, processing):
    webui.opts.vqfr_fidelity = 7
    webui.script().process(processing, False)
    array = np.asarray(portrait)
    assert restorer.restore(array) is array
    assert "fidelity" in webui.reported[0]
    assert "fidelity" in processing.infotext()["VQFR error"] and "fidelity" in processing.comments[0]


def test_a_generation_says_what_was_found(restorer, portrait, webui, processing):
    webui.script().process(processing, False)
    restorer.restore(np.asarray(portrait))
    assert processing.infotext() == {"VQFR faces": "1 of 1 restored"}


def test_interrupt_is_said(restorer, portrait, webui, processing):
    webui.script().process(processing, False)
    webui.state.interrupted = True
    array = np.asarray(portrait)
    assert restorer.restore(array) is array and "stopped" in processing.infotext()["VQFR faces"]


def test_the_page_has_every_setting_that_keeps_the_size(webui):
    for add in webui.callbacks["ui_settings"]:
        add()
    names = {f"vqfr_{spec.name}" for spec in option_specs()} - {"vqfr_aligned", "vqfr_scale"}
    assert set(webui.settings) == names | {"vqfr_model"}
    assert all(info.category_id == "postprocessing" for info in webui.settings.values())
    assert webui.settings["vqfr_fidelity"].default == 0.5
    assert "auto" in webui.settings["vqfr_model"].component_args()["choices"]
