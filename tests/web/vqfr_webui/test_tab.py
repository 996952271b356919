"""The tab: what the core's page is given by the WebUI. The page itself has tests of its own."""

import sys
from pathlib import Path

import pytest

from vqfr_core import option_specs

from .conftest import differs


@pytest.fixture
def surroundings(webui, monkeypatch):
    """What the page was built with."""
    given = []
    monkeypatch.setattr("vqfr_core.page.build.build_page", lambda host: given.append(host) or "blocks")
    (build_tab,) = webui.callbacks["ui_tabs"]
    assert build_tab() == [("blocks", "VQFR", "vqfr")]
    return given[0]


def test_work_waits_for_its_turn_and_says_so(webui, surroundings):
    lock = sys.modules["modules.call_queue"].queue_lock
    with surroundings.job():
        assert lock.locked() and webui.state.jobs == ["vqfr"]
        surroundings.progress("face", 1, 3)
        assert webui.state.textinfo == "VQFR: 1 of 3 faces"
        assert (webui.state.job_no, webui.state.job_count) == (1, 3)
    assert not lock.locked() and webui.state.jobs == ["vqfr", "end"]


def test_an_error_gives_the_turn_back(webui, surroundings):
    with pytest.raises(ValueError, match="in the job"), surroundings.job():
        raise ValueError("in the job")
    with surroundings.job():
        pass


def test_interrupt_stops_it(webui, surroundings):
    assert not surroundings.should_stop()
    webui.state.interrupted = True
    assert surroundings.should_stop()


def test_restores_with_the_networks_that_the_other_places_use(webui, surroundings, tiny, portrait):
    with surroundings.job():
        restorer = surroundings.open_restorer(surroundings.model_names()[-1])
    assert differs(webui.part("restoring").restore_image(portrait, webui.part("request").Request(tiny)).image, portrait)
    with surroundings.job():
        assert surroundings.open_restorer(tiny) is restorer


def test_controls_start_with_a_retired_default_of_the_users_own(webui, surroundings):
    sort, mask = (spec for spec in option_specs() if spec.name in ("mask", "sort"))
    assert surroundings.first_value(mask) == "auto"
    Path(webui.flags.ui_config_file).write_text('{"vqfr/Mask/value": "box", "vqfr/Sort by/value": "score"}')
    assert surroundings.first_value(mask) == "crop"
    assert surroundings.first_value(sort) == sort.default, "the WebUI itself puts in what the menu lists"


def test_the_model_starts_with_a_former_default_of_the_users_own(webui, surroundings):
    assert surroundings.first_model() == "auto"
    Path(webui.flags.ui_config_file).write_text('{"vqfr/Model/value": "vqfr_small"}')
    assert surroundings.first_model() == "vqfr_small2"


def test_folders_are_those_of_the_extras_tab(webui, surroundings):
    webui.opts.outdir_samples, webui.opts.outdir_extras_samples = "", "outputs/extras"
    assert surroundings.folders.may_name and surroundings.folders.output() == Path("outputs/extras")


def test_folders_may_be_hidden(webui):
    webui.flags.hide_ui_dir_config = True
    assert not webui.part("host").may_name_folders()


def test_results_can_be_sent_on(webui, surroundings):
    for target in surroundings.send_to:
        target.connect("button", "image")
    assert [binding["tabname"] for binding in webui.sent] == ["img2img", "inpaint", "extras"]
    assert webui.sent[0] == {"paste_button": "button", "tabname": "img2img", "source_image_component": "image"}
