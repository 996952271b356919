"""Settings into a picture's text, and out of it into the page again."""

import json
import re

import pytest

from vqfr_core import RestoreOptions

_PARAMETER = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')  # how WebUIs read it

CHANGED = {
    "fidelity": 0.25, "batch_size": 2, "detector": "retinaface_mobile0.25", "tiles": True, "min_face_px": 40.0,
    "select": "0,2", "regions": "eyes,mouth", "erode": -0.1, "scale": 2.0,
}  # fmt: skip


def through_a_webui(entries):
    def quoted(text):
        return json.dumps(text) if any(mark in text for mark in ",:\n") else text

    return through_infotext(", ".join(f"{key}: {quoted(text)}" for key, text in entries.items()))


def through_infotext(line):
    return {key: json.loads(text) if text.startswith('"') else text for key, text in _PARAMETER.findall(line)}


def paste(script, known):
    """What each control would be set to, by name; absent: it stays as it is."""
    names = {id(control): name for name, control in zip(script._names, script.controls[2:], strict=True)}
    names[id(script.controls[0])] = "enabled"
    values = {names[id(c)]: read(known) if callable(read) else known.get(read) for c, read in script.infotext_fields}
    return {name: value for name, value in values.items() if value is not None}


def test_round_trip(webui):
    request = webui.part("request").GenerationRequest(
        "vqfr_small2", RestoreOptions(**CHANGED), when="before composite", inpaint_only=False
    )
    known = through_a_webui(webui.part("infotext").settings_to_infotext(request, "vqfr_small2"))
    pasted = paste(webui.script(), {"Steps": "20", **known})
    assert pasted.pop("enabled") is True
    assert webui.part("request").GenerationRequest.from_names(pasted) == request
    assert type(pasted["batch_size"]) is int and pasted["tiles"] is True


def test_text_of_another_picture_switches_it_off_and_keeps_the_settings(webui):
    assert paste(webui.script(), {"Steps": "20"}) == {"enabled": False}


@pytest.mark.parametrize("text", ["much", "7"])
def test_values_that_are_not_allowed_become_defaults(webui, text):
    assert paste(webui.script(), {"VQFR model": "auto", "VQFR fidelity": text})["fidelity"] == 0.5


def test_auto_is_written_as_what_it_stood_for(webui):
    entries = webui.part("infotext").settings_to_infotext(webui.part("request").Request(), "vqfr_small2")
    assert entries == {"VQFR model": "vqfr_small2"}


def test_every_control_can_be_pasted(webui):
    script = webui.script()
    assert set(paste(script, {"VQFR model": "auto"})) == {"enabled", *script._names} - {"save_before"}


def test_a_model_that_is_not_here_is_told_at_once(webui, monkeypatch):
    told = []
    monkeypatch.setattr(webui.part("infotext"), "warn", told.append)
    assert paste(webui.script(), {"VQFR model": "gone.safetensors"})["model"] == "auto"
    assert len(told) == 1 and "gone.safetensors, which is not here" in told[0]
