"""The always-visible script through one generation and another."""

from types import SimpleNamespace

import pytest
from PIL import Image

from .conftest import differs


@pytest.fixture
def run(webui, processing, portrait, tiny):
    """run(named, image=...): one picture through the script as the API calls it; gives the picture."""

    def run(named=None, image=portrait, enabled=True, p=processing):
        script = webui.script()
        defaults = [control.value for control in script.controls]
        arguments = [enabled, named if named is None else {"model": tiny, **named}, *defaults[2:]]
        p.script_args = arguments
        script.process(p, *arguments)
        pp = SimpleNamespace(image=image)
        script.postprocess_image(p, pp, *arguments)
        script.postprocess_image_after_composite(p, pp, *arguments)
        script.postprocess(p, None, *arguments)
        return pp.image

    return run


def test_off_it_leaves_the_very_picture(run, portrait, processing):
    assert run(enabled=False) is portrait
    assert processing.infotext() == {}


def test_restores_and_says_how(run, portrait, processing, tiny):
    assert differs(run({"fidelity": 0.7}), portrait)
    expected = {"VQFR model": tiny, "VQFR fidelity": "0.7", "VQFR faces": "1 of 1 restored"}
    assert processing.infotext() == expected
    assert processing.infotext(is_grid=True) == {"VQFR model": tiny, "VQFR fidelity": "0.7"}


def test_no_face_is_said_and_nothing_changes(run, processing):
    blank = Image.new("RGB", (64, 48), "gray")
    assert run({}, image=blank) is blank
    assert processing.infotext()["VQFR faces"] == "none found"


def test_unknown_names_are_refused_with_the_known_ones(run, portrait, processing, webui):
    assert run({"fidelty": 0.7}) is portrait
    error = processing.infotext()["VQFR error"]
    assert "unknown option fidelty; known are model, when" in error and "fidelity" in error
    assert error in webui.reported[0] and error in processing.comments[0]


@pytest.mark.parametrize(
    "named", [{"fidelity": 2}, {"when": "later"}, {"inpaint_only": "yes"}, {"model": "../secret.pth"}]
)
def test_bad_values_are_refused(run, portrait, processing, named):
    assert run(named) is portrait
    assert next(iter(named)) in processing.infotext()["VQFR error"]


def test_a_failure_costs_no_picture(run, portrait, processing, webui, tiny):
    (webui.models_path / "VQFR" / tiny).write_bytes(b"no weights at all")
    assert run({}) is portrait
    assert "tiny.safetensors" in processing.infotext()["VQFR error"]
    assert webui.reported and "picture 1 was left unchanged" in processing.comments[0]


def test_interrupt_ends_it(run, portrait, processing, webui):
    webui.state.interrupted = True
    assert run({}) is portrait
    assert "stopped" in processing.infotext()["VQFR faces"]


def test_before_composite_is_another_moment(webui, processing, portrait, tiny):
    script = webui.script()
    script.process(processing, True, {"model": tiny, "when": "before composite"})
    pp = SimpleNamespace(image=portrait)
    script.postprocess_image(processing, pp)
    early = pp.image
    assert differs(early, portrait)
    script.postprocess_image_after_composite(processing, pp)
    assert pp.image is early


def test_hosts_without_the_later_moment_use_the_earlier_one(webui, processing, portrait, tiny, monkeypatch):
    monkeypatch.setattr(webui.part("host"), "has_composite_hook", lambda: False)
    script = webui.script()
    script.process(processing, True, {"model": tiny})
    pp = SimpleNamespace(image=portrait)
    script.postprocess_image(processing, pp)
    assert differs(pp.image, portrait)


def test_outside_the_inpaint_mask_nothing_changes(run, portrait, processing):
    mask = Image.new("L", portrait.size, 0)
    mask.paste(255, (50, 0, 120, 160))
    processing.mask_for_overlay = mask
    result = run({"opacity": 1.0})
    assert differs(result.crop((50, 0, 120, 160)), portrait.crop((50, 0, 120, 160)))
    assert not differs(result.crop((120, 0, 192, 160)), portrait.crop((120, 0, 192, 160)))
    processing.mask_for_overlay = Image.new("L", portrait.size, 0)
    assert run({}) is portrait
    assert differs(run({"inpaint_only": False}), portrait)


def test_before_composite_the_mask_is_that_of_the_painted_part(webui, processing):
    generation, request = webui.part("generation"), webui.part("request").GenerationRequest(when="before composite")
    mask = Image.new("L", (100, 100), 0)
    mask.paste(255, (40, 40, 60, 60))
    processing.mask_for_overlay, processing.paste_to = mask, (40, 40, 20, 20)
    cut = generation._inpaint_mask(processing, (512, 512), request)
    assert cut.size == (512, 512) and cut.getextrema() == (255, 255)


def test_saves_the_picture_before(run, portrait, webui):
    run({"save_before": True})
    ((image, written),) = webui.saved
    assert image is portrait and written["suffix"] == "-before-vqfr"
    assert not any(key.startswith("VQFR") for key in written["info"])


def test_each_picture_of_a_batch_has_its_own_words(webui, processing, portrait, tiny):
    script, blank = webui.script(), Image.new("RGB", (64, 48), "gray")
    processing.batch_size = 2
    script.process(processing, True, {"model": tiny})
    for processing.iteration in (0, 1):
        processing.prompts = ["a", "a"]
        for processing.batch_index, image in enumerate([portrait, blank]):
            script.postprocess_image_after_composite(processing, SimpleNamespace(image=image))
        assert [processing.infotext(i)["VQFR faces"] for i in (0, 1)] == ["1 of 1 restored", "none found"]
    everything = {"p": processing, "all_prompts": ["a"] * 4, "use_main_prompt": False}
    texts = [processing.extra_generation_params["VQFR faces"](index=i, **everything) for i in range(4)]
    assert texts == ["1 of 1 restored", "none found"] * 2


def test_cells_of_a_plot_do_not_inherit_each_others_text(run, processing):
    run({})
    run(enabled=False)
    assert processing.infotext() == {}


def test_values_of_a_plot_win_and_switch_it_on(webui, run, portrait, processing, tiny):
    for add_axes in webui.callbacks["before_ui"]:
        add_axes()
    axes = {option.label: option for option in webui.axes.axis_options}
    axes["[VQFR] Model"].apply(processing, tiny, [])
    axes["[VQFR] Fidelity"].apply(processing, 0.25, [])
    assert differs(run({"fidelity": 0.9}, enabled=False), portrait)
    assert processing.infotext()["VQFR fidelity"] == "0.25"
    axes["[VQFR] Enabled"].apply(processing, "False", [])
    assert run({}) is portrait
