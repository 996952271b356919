"""What earlier versions saved, and requests written for them, still mean the same. The files predate 0.1.0."""

import json
from pathlib import Path

import numpy as np
import pytest

from vqfr_core import InputError, RestoreOptions, option_specs
from vqfr_core.serving.bodies import read_task

from .test_infotext import paste, through_infotext
from .test_routes import encoded

SAVED = Path(__file__).parents[2] / "data" / "saved"


def saved(name: str) -> dict:
    return json.loads((SAVED / name).read_text())


def test_an_infotext_pastes_the_same_settings(webui):
    line = (SAVED / "webui_infotext.txt").read_text().strip()
    pasted = paste(webui.script(), through_infotext(line))
    assert pasted.pop("enabled") is True
    request = webui.part("request").GenerationRequest.from_names(pasted)
    assert request == webui.part("request").GenerationRequest(
        "vqfr_small2",
        RestoreOptions(
            fidelity=0.25, precision="bf16", batch_size=2, detector="retinaface_mobile0.25", tiles=True,
            min_face_px=40.0, select="0,2", sort="left-right", mask="crop", regions="eyes,mouth", erode=-0.1,
            color_match=0.5, scale=2.0,
        ),
        when="before composite",
        inpaint_only=True,
    )  # fmt: skip
    assert (pasted["model"], pasted["mask"]) == ("vqfr_small2", "crop"), "the menus list no other names"


def test_an_infotext_is_written_with_the_same_keys(webui):
    line = (SAVED / "webui_infotext.txt").read_text().strip()
    before = through_infotext(line)
    request = webui.part("request").GenerationRequest.from_names(paste_without_enabled(webui, before))
    after = webui.part("infotext").settings_to_infotext(request, request.model)
    del before["VQFR faces"], before["VQFR inpaint only"]  # on is the default now
    assert list(after) == list(before)
    assert after == {**before, "VQFR model": "vqfr_small2", "VQFR mask": "crop"}


def paste_without_enabled(webui, known):
    return {name: value for name, value in paste(webui.script(), known).items() if name != "enabled"}


def test_a_body_asks_for_the_same(webui, portrait):
    body = {**saved("webui_restore_body.json"), "image": encoded(portrait)}
    task = read_task(body, webui.part("routes").make_service())
    assert webui.part("models").resolve_model(task.model) == "vqfr_small2"
    assert task.options == RestoreOptions(
        fidelity=0.25, precision="fp32", batch_size=2, detector="retinaface_mobile0.25", min_confidence=0.6,
        detection_size=960, select="0,-1", sort="left-right", max_faces=3, mask="crop", regions="eyes,mouth",
        erode=-0.1, feather=0.1, opacity=0.9, color_match=0.5, scale=2.0,
    )  # fmt: skip


def test_a_value_of_the_wrong_kind_is_an_input_error(webui, portrait):
    with pytest.raises(InputError, match="mask"):
        read_task({"image": encoded(portrait), "options": {"mask": ["box"]}}, webui.part("routes").make_service())


@pytest.mark.slow
def test_settings_keep_their_names_and_meaning(webui, portrait):
    settings = saved("webui_settings.json")
    vars(webui.opts).update(settings)
    request = webui.part("settings").default_request()
    expected = {"fidelity": 0.8, "select": "largest", "tiles": True, "batch_size": 2, "mask": "crop"}
    assert request == webui.part("request").Request("auto", RestoreOptions(**expected))
    webui.opts.vqfr_model = "vqfr_small"
    assert webui.part("settings").default_request().model == "vqfr_small2"
    restored = webui.face_restorers[-1].restore(np.asarray(portrait))
    assert not webui.reported and restored.shape == np.asarray(portrait).shape


def test_the_page_of_settings_shows_what_its_menus_list(webui):
    """Gradio 4 refuses to save a value that its menu does not list."""
    settings = saved("webui_settings.json")
    vars(webui.opts).update(settings | {"vqfr_model": "vqfr_small"})
    for add in webui.callbacks["ui_settings"]:
        add()
    assert list(webui.settings)[: len(settings)] == list(settings)
    assert webui.opts.vqfr_mask in webui.settings["vqfr_mask"].component_args["choices"]
    assert webui.opts.vqfr_model in webui.settings["vqfr_model"].component_args()["choices"]
    assert {**settings, "vqfr_model": "vqfr_small2", "vqfr_mask": "crop"} == {
        name: getattr(webui.opts, name) for name in settings
    }


def test_defaults_of_the_users_own_find_their_controls(webui, processing, portrait):
    """The WebUI keys them by label; of a menu it leaves out a value that is not listed."""
    kept = save_defaults(webui, {})
    script = webui.script()
    controls = {f"customscript/vqfr_webui.py/txt2img/{c.label}/value": c for c in script.controls if c.label}
    assert {key for key in kept if key.endswith("/value")} <= set(controls)
    for key, control in controls.items():
        choices = control.arguments.get("choices")
        if key in kept and (choices is None or kept[key] in choices):
            control.value = kept[key]
    values = dict(zip(script._names, (control.value for control in script.controls[2:]), strict=True))
    assert (values["fidelity"], values["mask"]) == (0.8, "crop")
    script.process(processing, True, None, *values.values())
    assert "VQFR error" not in processing.infotext() and processing.infotext()["VQFR fidelity"] == "0.8"


@pytest.mark.parametrize("tab", ["txt2img", "img2img", "extras"])
def test_a_retired_default_is_kept_where_it_was_saved(webui, tab):
    tabs = ("txt2img", "img2img", "extras")
    key = "customscript/vqfr_webui.py/{}/{}/value"
    masks = {key.format(name, "Mask"): "box" if name == tab else "soft" for name in tabs}
    models = {key.format(name, "Model"): "vqfr_small" if name == tab else "vqfr_v1" for name in tabs}
    save_defaults(webui, masks | models)
    shown = {}
    for name in tabs:
        with webui.building(name):
            controls = webui.entry.VqfrExtras().ui()
        shown[name] = controls["mask"].value, controls["model"].value
    assert shown == {**dict.fromkeys(tabs, ("auto", "auto")), tab: ("crop", "vqfr_small2")}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"customscript/vqfr_webui.py/txt2img/Mask/value": ["box"]}'])
def test_a_file_of_defaults_that_says_nothing_changes_nothing(webui, text):
    Path(webui.flags.ui_config_file).write_text(text)
    script = webui.script()
    values = dict(zip(script._names, (control.value for control in script.controls[2:]), strict=True))
    assert values["mask"] == "auto"


def save_defaults(webui, changes):
    """The earlier version's defaults, with changes, where the WebUI has its file; what it says."""
    kept = {**saved("webui_ui_config.json"), **changes}
    Path(webui.flags.ui_config_file).write_text(json.dumps(kept))
    return kept


def test_arguments_of_programs_may_have_retired_values(webui, processing):
    script = webui.script()
    values = ["box" if name == "mask" else c.value for name, c in zip(script._names, script.controls[2:], strict=True)]
    script.process(processing, True, None, *values)
    assert processing.infotext()["VQFR mask"] == "crop"


def test_plots_take_retired_values_and_list_the_present_ones(webui, processing):
    for add in webui.callbacks["before_ui"]:
        add()
    axes = {option.label: option for option in webui.axes.axis_options}
    for spec in option_specs():
        for old, new in spec.retired.items():
            axis = axes[f"[VQFR] {spec.label}"]
            axis.confirm(processing, [old, new])
            assert old not in axis.choices() and new in axis.choices()
    model = axes["[VQFR] Model"]
    model.confirm(processing, ["vqfr_small", "vqfr_small2"])
    assert "vqfr_small" not in model.choices() and "vqfr_small2" in model.choices()
    axes["[VQFR] Mask"].apply(processing, "box", [])
    webui.script().process(processing, True)
    assert processing.infotext()["VQFR mask"] == "crop"
