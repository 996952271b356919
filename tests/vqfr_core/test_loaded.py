"""When networks are loaded, kept and let go, with a store that notes what it is asked for."""

from typing import Any

import pytest
import torch
from torch import nn

from vqfr_core.errors import InputError
from vqfr_core.loaded import LoadedNetworks
from vqfr_core.networks.base import Network
from vqfr_core.options import NetworkOptions, RestoreOptions
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.store import WeightStore


class NotingStore(WeightStore):
    """Opens networks without weights."""

    def __init__(self, *present: str) -> None:
        super().__init__()
        self.present = present
        self.opened: list[tuple[str, str, str]] = []
        self.asked: list[tuple[str, torch.device, Any]] = []

    def name_to_open(self, role, fetch):
        return "auto" if role in self.present else "another" if fetch else None

    def open(self, role, name="auto", device=None, precision="auto", progress=None, **named):
        self.opened.append((role, name, precision))
        self.asked.append((role, device, progress))
        network = Network(nn.Identity(), name, role)
        network.precision = precision
        return network


def test_nothing_is_loaded_before_it_is_needed_and_then_once():
    store = NotingStore("parser")
    loaded = LoadedNetworks("some", device="cpu", store=store)
    assert store.opened == []
    assert loaded.model is loaded.model and loaded.network is loaded.model.module
    assert loaded.network_for(NetworkOptions()) is loaded.network
    assert loaded.detector("a") is loaded.detector("a") is not loaded.detector()
    assert loaded.parser() is loaded.parser() is not None
    assert [opened[:2] for opened in store.opened] == [
        ("restorer", "some"), ("detector", "a"), ("detector", "auto"), ("parser", "auto"),
    ]  # fmt: skip


def test_all_go_to_the_device_and_downloads_are_reported(monkeypatch):
    def progress(done, total):
        pass

    monkeypatch.setattr("vqfr_core.loaded.pick_device", lambda device: torch.device("meta"))
    store = NotingStore("parser")
    loaded = LoadedNetworks(device="some", download_progress=progress, store=store)
    assert loaded.model and loaded.detector() and loaded.parser()
    assert store.asked == [(role, torch.device("meta"), progress) for role in ("restorer", "detector", "parser")]


def test_a_parser_that_comes_later_is_found():
    store = NotingStore()
    loaded = LoadedNetworks(device="cpu", store=store)
    assert loaded.parser() is None
    assert LoadedNetworks(device="cpu", store=store).parser(fetch=True).name == "another"
    store.present = ("parser",)
    assert loaded.parser() is not None


def test_only_the_last_precision_asked_for_is_kept():
    store = NotingStore()
    loaded = LoadedNetworks(device="cpu", precision="bf16", store=store)
    half = loaded.model_for(RestoreOptions())
    assert half.precision == "bf16" and loaded.model_for(NetworkOptions(precision="bf16")) is half
    assert loaded.model_for(NetworkOptions(precision="fp32")).precision == "fp32"
    assert loaded.model is not half and loaded.model.precision == "bf16"
    assert [precision for *_, precision in store.opened] == ["bf16", "fp32", "bf16"]
    with pytest.raises(InputError, match="fp16 is many times slower"):
        loaded.model_for(NetworkOptions(precision="fp16"))


def test_a_network_that_works_in_another_precision_is_not_loaded_again():
    store = NotingStore()
    loaded = LoadedNetworks(device="cpu", precision="bf16", store=store)
    loaded.model.precision = "fp32"
    assert loaded.model is loaded.model and len(store.opened) == 1


def test_what_is_let_go_is_loaded_again():
    store = NotingStore("parser")
    with LoadedNetworks(device="cpu", store=store) as loaded:
        before = (loaded.model, loaded.detector(), loaded.parser())
    after = (loaded.model, loaded.detector(), loaded.parser())
    assert all(a is not b for a, b in zip(before, after, strict=True)) and len(store.opened) == 6


def test_folders_are_those_given(tmp_path):
    loaded = LoadedNetworks(device="cpu", folder=tmp_path / "a", search=iter([tmp_path / "b"]))
    assert loaded.store.folders() == loaded.store.folders() == Folders(tmp_path / "a", (tmp_path / "b",))
    with pytest.raises(InputError, match="device 'abacus' is not known"):
        LoadedNetworks(device="abacus")
