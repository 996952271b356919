"""One picture can meet us three times; only one of them may work on it."""

from copy import copy
from types import SimpleNamespace

import numpy as np
import pytest

from .conftest import Processing, differs


@pytest.fixture
def meet(webui, portrait, tiny):
    """meet(script=, native=, extras=): a picture goes through what is switched on; gives who changed it, in order."""

    def meet(p, script=False, native=False, extras=False):
        webui.opts.vqfr_model = tiny
        changed, page = [], webui.script()
        page.process(p, script, {"model": tiny})
        pp = SimpleNamespace(image=portrait, info={})

        def step(name, image):
            if differs(image, pp.image):
                changed.append(name)
            pp.image = image

        if native:
            restored = webui.face_restorers[-1].restore(np.asarray(pp.image))
            step("native", webui.part("convert").array_to_image(restored))
        if extras:
            inner = SimpleNamespace(image=pp.image, info={})
            webui.entry.VqfrExtras().process(inner, enabled=True, model=tiny)
            step("extras", inner.image)
            p.extra_generation_params.update(inner.info)
        later = SimpleNamespace(image=pp.image)
        page.postprocess_image(p, later)
        page.postprocess_image_after_composite(p, later)
        step("script", later.image)
        page.postprocess(p, None)
        return changed

    return meet


@pytest.mark.parametrize(
    ("on", "worked"),
    [
        ({"script": True}, ["script"]),
        ({"native": True}, ["native"]),
        ({"extras": True}, ["extras"]),
        ({"script": True, "native": True}, ["script"]),
        ({"script": True, "extras": True}, ["script"]),
        ({"native": True, "extras": True}, ["native"]),
        ({"script": True, "native": True, "extras": True}, ["script"]),
    ],
)
def test_only_one_works_on_a_picture(meet, on, worked):
    assert meet(Processing(), **on) == worked


def test_extras_says_why_it_did_nothing(meet, processing):
    meet(processing, native=True, extras=True)
    assert "already" in processing.infotext()["VQFR extras"]


def test_a_generation_that_broke_off_does_not_silence_the_extras_tab(webui, portrait, tiny):
    p = Processing()
    webui.script().process(p, True, {"model": tiny})
    webui.state.begin(job="extras")  # no `postprocess` came
    pp = SimpleNamespace(image=portrait, info={})
    webui.entry.VqfrExtras().process(pp, enabled=True, model=tiny)
    assert differs(pp.image, portrait)


def test_a_generation_that_is_gone_does_not_count(webui, tiny):
    webui.script().process(Processing(), True, {"model": tiny})
    assert webui.part("once").current() is None


def test_adetailer_ends_and_begins_with_a_copy(webui, portrait, tiny):
    """Before and after each picture's inner pass it calls all scripts' `postprocess` and `process` so."""
    webui.opts.vqfr_model, (p, page) = tiny, (Processing(), webui.script())
    page.process(p, True, {"model": tiny})
    for index in range(2):
        p.batch_index = index
        native = webui.face_restorers[-1].restore(np.asarray(portrait))
        assert not differs(webui.part("convert").array_to_image(native), portrait), "left to the script"
        page.postprocess(copy(p), None)
        inner = webui.face_restorers[-1].restore(np.asarray(portrait))
        assert not differs(webui.part("convert").array_to_image(inner), portrait), "the inner pass, too"
        page.process(copy(p), True, {"model": tiny})
        pp = SimpleNamespace(image=portrait)
        page.postprocess_image_after_composite(p, pp)
        assert differs(pp.image, portrait)
    assert p.infotext(1)["VQFR faces"] == p.infotext(0)["VQFR faces"] == "1 of 1 restored"
    page.postprocess(p, None)
    assert webui.part("once").current() is None


def test_a_generation_inside_another_is_left_to_the_outer_one(webui, portrait, tiny):
    outer, inner, page = Processing(), Processing(), webui.script()
    page.process(outer, True, {"model": tiny})
    page.process(inner, True, {"model": tiny})
    pp = SimpleNamespace(image=portrait)
    page.postprocess_image_after_composite(inner, pp)
    assert not differs(pp.image, portrait)
    page.postprocess(inner, None)
    page.postprocess_image_after_composite(outer, pp)
    assert differs(pp.image, portrait)
