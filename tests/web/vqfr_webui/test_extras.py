"""The operation of the Extras tab."""

from types import SimpleNamespace

import pytest
from PIL import Image

from vqfr_core import FaceRestorer, InputError, RestoreOptions, to_pil

from .conftest import differs


@pytest.fixture
def process(webui, portrait):
    def process(image=portrait, **arguments):
        pp = SimpleNamespace(image=image, info={})
        webui.entry.VqfrExtras().process(pp, **arguments)
        return pp

    return process


def test_the_api_gives_none_for_everything(process, webui, portrait):
    names = webui.entry.VqfrExtras().ui()
    pp = process(**dict.fromkeys(names))
    assert pp.image is portrait and pp.info == {}


def test_off_by_default(webui):
    assert webui.entry.VqfrExtras().ui()["enabled"].value is False


def test_none_is_the_default_of_an_option(process, tiny):
    assert process(enabled=True, model=tiny, fidelity=None).info == {
        "VQFR model": tiny,
        "VQFR faces": "1 of 1 restored",
    }


@pytest.mark.slow
def test_the_picture_is_the_cores(process, portrait):
    """With the real network of the model that is built in."""
    expected = to_pil(FaceRestorer("vqfr_small2", device="cpu").restore(portrait, RestoreOptions(opacity=0.8)).image)
    assert not differs(process(enabled=True, model="vqfr_small2", opacity=0.8).image, expected)


def test_transparency_is_kept(process, portrait, tiny):
    alpha = Image.linear_gradient("L").resize(portrait.size)
    transparent = portrait.copy()
    transparent.putalpha(alpha)
    pp = process(transparent, enabled=True, model=tiny)
    assert pp.image.mode == "RGBA" and not differs(pp.image.getchannel("A"), alpha)
    assert differs(pp.image.convert("RGB"), portrait)
    assert process(transparent, enabled=True, model=tiny, scale=2.0).image.size == (384, 320)


def test_numbers_of_a_page_may_be_floats(process, tiny):
    assert process(enabled=True, model=tiny, batch_size=2.0, max_faces=1.0).info["VQFR batch size"] == "2"


def test_no_face_is_said(process, tiny):
    blank = Image.new("RGB", (64, 48), "gray")
    pp = process(blank, enabled=True, model=tiny)
    assert pp.image is blank and pp.info["VQFR faces"] == "none found"


def test_errors_reach_the_page(process):
    with pytest.raises(InputError, match="model"):
        process(enabled=True, model="nothing")


def test_interrupt_leaves_the_picture(process, webui, portrait, tiny):
    webui.state.interrupted = True
    pp = process(enabled=True, model=tiny)
    assert pp.image is portrait and "stopped" in pp.info["VQFR faces"]
