import os
from pathlib import Path

from vqfr_core.weights.folders import Folders, default_folders


def test_argument_wins_over_environment_over_user_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("VQFR_MODEL_DIR", str(tmp_path / "environment"))
    assert default_folders(tmp_path / "argument").model == tmp_path / "argument"
    assert default_folders().model == tmp_path / "environment"
    monkeypatch.delenv("VQFR_MODEL_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert default_folders().model.name == "models" and "vqfr" in default_folders().model.parts
    assert default_folders("~/weights", ["~/more"]) == Folders(tmp_path / "weights", (tmp_path / "more",))
    assert list(tmp_path.iterdir()) == []


def test_places_in_order_without_repeats(monkeypatch, tmp_path):
    a, b, c, d = (tmp_path / name for name in "abcd")
    monkeypatch.setenv("VQFR_MODEL_PATH", os.pathsep.join([str(c), "", str(a)]))
    assert Folders(a, (b, a), listed=(d,)).places() == [a, d, b, c]
    monkeypatch.setenv("VQFR_MODEL_PATH", "~/weights")
    assert Folders(a).places() == [a, Path("~/weights").expanduser()]
