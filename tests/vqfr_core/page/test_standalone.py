from pathlib import Path

import pytest

from vqfr_core.errors import InputError
from vqfr_core.page.standalone import RestorerKeeper
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.store import WeightStore


def here_only(folder: Path) -> WeightStore:
    return WeightStore(lambda: Folders(folder), download=False)


def test_the_choices_are_what_is_here_and_what_could_be_fetched(tiny_v1, tmp_path):
    assert RestorerKeeper(tiny_v1, "cpu", here_only(tmp_path)).names() == ["tiny_v1.safetensors", "auto", "vqfr_small2"]
    names = RestorerKeeper(device="cpu", store=WeightStore(lambda: Folders(tmp_path))).names()
    assert names == ["auto", "vqfr_small2", "vqfr_v2 (downloads it first)", "vqfr_v1 (downloads it first)"]


def test_a_missing_model_is_fetched_and_keeps_its_name_in_the_menu(tmp_path, monkeypatch):
    fetched = []

    def fetch(self, name, progress):
        fetched.append(name)
        (tmp_path / "VQFR_v2.pth").write_bytes(b"")

    monkeypatch.setattr(WeightStore, "fetch", fetch)
    keeper = RestorerKeeper(device="cpu", store=WeightStore(lambda: Folders(tmp_path)))
    assert keeper.better_model() == "vqfr_v2"
    for name in ("auto", "vqfr_v2 (downloads it first)", "vqfr_v2 (downloads it first)", "vqfr_v2"):
        keeper.fetch(name, lambda done, total: None)
    assert fetched == ["vqfr_v2"] and keeper.better_model() == ""
    assert RestorerKeeper(device="cpu", store=here_only(tmp_path / "empty")).better_model() == ""


def test_a_former_name_given_first_is_shown_as_its_successor(tmp_path):
    assert RestorerKeeper("vqfr_small", "cpu", here_only(tmp_path)).names() == ["vqfr_small2", "auto"]


def test_files_of_the_model_folder_are_choices(tiny_v1, tiny_v2, tmp_path):
    (tmp_path / "mine.safetensors").write_bytes(Path(tiny_v2).read_bytes())
    keeper = RestorerKeeper(tiny_v1, "cpu", here_only(tmp_path))
    assert keeper.names()[-1] == "mine.safetensors"
    assert keeper.open("mine.safetensors").model.info.path == tmp_path / "mine.safetensors"


def test_a_file_named_first_is_not_taken_for_another_of_that_name(tiny_v1, tiny_v2, tmp_path):
    (tmp_path / "tiny_v1.safetensors").write_bytes(Path(tiny_v2).read_bytes())
    keeper = RestorerKeeper(tiny_v1, "cpu", here_only(tmp_path))
    assert keeper.open("tiny_v1.safetensors").model.info.path == Path(tiny_v1)


def test_only_choices_are_opened_and_the_last_is_kept(tiny_v1, tmp_path):
    keeper = RestorerKeeper(tiny_v1, "cpu", here_only(tmp_path))
    first = keeper.open("tiny_v1.safetensors")
    assert keeper.open() is first
    assert keeper.open("vqfr_small2").model.name == "vqfr_small2"
    assert keeper.open("vqfr_small") is keeper.open("vqfr_small2"), "a page that was open before"
    for name in (tiny_v1, "/etc/passwd", "vqfr_v2", ""):
        with pytest.raises(InputError, match="not one of the models here"):
            keeper.open(name)
