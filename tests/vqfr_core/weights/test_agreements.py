"""A comparison of precisions is made once for each file, device and PyTorch."""

import json

import pytest
import torch
from safetensors.torch import save_file

from vqfr_core.weights.agreements import MEMORY_FILE, known_agreements
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.store import WeightStore


@pytest.fixture
def store(tmp_path, tiny_states, monkeypatch):
    monkeypatch.setattr("vqfr_core.networks.auto_precision.cpu_has_bf16", lambda: True)
    save_file(tiny_states["vqfr_v2"], tmp_path / "mine.safetensors")
    return WeightStore(lambda: Folders(tmp_path))


def settle(restorer):
    face = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    restorer.auto.settle(restorer, face, [0.5])
    return restorer


def test_the_outcome_is_remembered_in_the_model_folder(store, tmp_path):
    first = settle(store.open("restorer", "mine", "cpu"))
    ((key, agreement),) = known_agreements(tmp_path).items()
    assert key.startswith("mine ") and "in bf16 on cpu" in key and f"torch {torch.__version__}" in key
    assert first.auto.agreement_db == pytest.approx(agreement, abs=0.01)
    again = store.open("restorer", "mine", "cpu")
    assert again.auto.agreement_db == agreement and again.precision == first.precision == "bf16"
    (tmp_path / MEMORY_FILE).write_text(json.dumps({key: 12.0}))
    refused = store.open("restorer", "mine", "cpu")
    assert refused.precision == "fp32" and "12.0 dB" in refused.precision_reason


def test_a_precision_that_was_asked_for_is_not_compared(store):
    restorer = store.open("restorer", "mine", "cpu", "bf16")
    assert restorer.auto is None and restorer.precision_reason == "as asked for"


def test_a_folder_that_cannot_be_written_or_read_is_no_error(store, tmp_path):
    (tmp_path / MEMORY_FILE).write_text("[1, 2")
    assert known_agreements(tmp_path) == {}
    (tmp_path / MEMORY_FILE).unlink()
    (tmp_path / MEMORY_FILE).mkdir()
    assert settle(store.open("restorer", "mine", "cpu")).auto.agreement_db is not None
