import sys
from pathlib import Path

import pytest
import torch

from vqfr_core.errors import WeightsError
from vqfr_core.networks import registry
from vqfr_core.weights.catalog import get_record
from vqfr_core.weights.check import build_empty, check_state, content_check

PATH = Path("x.pth")
KEY = {"vqfr_v1": "main_decoder.conv_out.0.bias", "vqfr_v2": "decoder.conv_out.2.bias"}
KINDS = list(KEY)


def row(name: str) -> registry.Architecture:
    return next(row for row in registry.ARCHITECTURES if row.name == name)


def check(kind: str, state: dict[str, torch.Tensor]) -> None:
    check_state(build_empty(row(kind), state, PATH).module.state_dict(), state, PATH)


@pytest.mark.parametrize("kind", KINDS)
def test_every_misfit_is_listed(tiny_states, kind):
    state = dict(tiny_states[kind])
    del state[KEY[kind]]
    state |= {f"extra.{number}": torch.zeros(1) for number in range(9)}
    state["encoder.conv_in.bias"] = torch.zeros(7)
    with pytest.raises(WeightsError) as failure:
        check(kind, state)
    text = str(failure.value)
    assert f"1 missing ({KEY[kind]})" in text
    assert "9 unexpected (extra.0," in text and "and 3 more" in text
    assert "1 of another shape (encoder.conv_in.bias: (7,) instead of (32,))" in text
    assert str(PATH) in text


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("vqfr_v1", "encoder.encoder_dict.Level_1.{}.conv1.weight"),
        ("vqfr_v1", "decoder.decoder_dict.Level_1.{}.conv1.weight"),
        ("vqfr_v2", "encoder.blocks.0.{}.conv1.weight"),
        ("vqfr_v2", "decoder.blocks.1.{}.conv1.weight"),
    ],
)
def test_names_of_many_blocks_do_not_make_a_huge_network(tiny_states, kind, name, monkeypatch):
    monkeypatch.setattr("vqfr_core.weights.check._MOST_MADE", 0)
    assert check(kind, tiny_states[kind]) is None
    flood = {name.format(number): torch.zeros(1) for number in range(100, 400)}
    with pytest.raises(WeightsError, match="many more tensors would be needed"):
        check(kind, tiny_states[kind] | flood)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("kind", KINDS)
def test_integers_in_place_of_weights(tiny_states, kind):
    state = tiny_states[kind] | {KEY[kind]: tiny_states[kind][KEY[kind]].to(torch.int32)}
    with pytest.raises(WeightsError, match="1 of another type"):
        check(kind, state)


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_model_is_a_weights_error(tiny_states, kind):
    names = sorted(tiny_states[kind])
    for part in (names[: len(names) // 2], names[len(names) // 2 :], names[::2]):
        with pytest.raises(WeightsError, match=r"x.pth"):
            check(kind, {name: tiny_states[kind][name] for name in part})


def test_content_check_wants_the_recorded_generation(tiny_states, tmp_path):
    torch.save({"params": tiny_states["vqfr_v1"]}, tmp_path / "x.part")
    content_check(get_record("vqfr_v1"))(tmp_path / "x.part")
    content_check(get_record("vqfr_small2"))(tmp_path / "x.part")
    with pytest.raises(WeightsError, match="seems to be VQFR v1"):
        content_check(get_record("vqfr_v2"))(tmp_path / "x.part")


@pytest.mark.parametrize("kind", KINDS)
def test_building_fills_nothing(tiny_states, kind, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("weights that are replaced anyway were filled")

    for name in ("normal_", "uniform_"):
        monkeypatch.setattr(torch.Tensor, name, fail)
    network = build_empty(row(kind), tiny_states[kind], PATH)
    assert all(tensor.is_meta for tensor in network.module.state_dict().values())


def test_a_missing_facexlib_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "facexlib.detection.retinaface", None)
    with pytest.raises(WeightsError, match=r"needs facexlib.*install\.py.*pip install --no-deps facexlib"):
        build_empty(row("retinaface_mobile0.25"), {}, Path("weights.pth"))
