"""One picture can meet us three times; only one of them may work on it."""

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
