import os
from pathlib import Path

from vqfr_core.weights.catalog import get_record
from vqfr_core.weights.folders import find_weights, model_folder, search_folders

V1 = get_record("vqfr_v1")


def test_argument_wins_over_environment_over_user_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("VQFR_MODEL_DIR", str(tmp_path / "environment"))
    assert model_folder(tmp_path / "argument") == tmp_path / "argument"
    assert model_folder() == tmp_path / "environment"
    monkeypatch.delenv("VQFR_MODEL_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert model_folder().name == "models" and "vqfr" in model_folder().parts
    assert model_folder("~/weights") == Path(tmp_path, "weights")
    assert list(tmp_path.iterdir()) == []


def test_search_folders_in_order_without_repeats(monkeypatch, tmp_path):
    monkeypatch.setenv("VQFR_MODEL_PATH", os.pathsep.join([str(tmp_path / "c"), "", str(tmp_path / "a")]))
    assert search_folders(tmp_path / "a", [tmp_path / "b"]) == [tmp_path / "a", tmp_path / "b", tmp_path / "c"]


def test_finds_published_converted_and_short_names(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.mkdir()
    b.mkdir()
    assert find_weights(V1, a, [b]) is None
    for path in (b / "vqfr_v1.pth", b / "VQFR_v1-33a1fac5.pth", b / "VQFR_v1-33a1fac5.safetensors"):
        path.write_bytes(b"")
        assert find_weights(V1, a, [b]) == path
    (a / "vqfr_v1.safetensors").write_bytes(b"")
    assert find_weights(V1, a, [b]) == a / "vqfr_v1.safetensors"
