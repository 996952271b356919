import json

import pytest
from PIL import Image

from stand_ins import restorers
from vqfr_core.cli import main


@pytest.mark.slow
@pytest.mark.parametrize("is_whole", [False, True])
def test_a_column_for_the_input_and_each_fidelity(face_file, tiny_v2, tmp_path, is_whole):
    out = tmp_path / "sweep.png"
    words = ["sweep", str(face_file), "-o", str(out), "--fidelities", "0,0" if is_whole else "0,1", "--model", tiny_v2]
    assert main([*words, "--whole"] if is_whole else words) == 0
    with Image.open(out) as grid:
        cell = (192, 160) if is_whole else (512, 512)
        assert 3 * cell[0] < grid.width < 3.2 * cell[0]
        assert cell[1] < grid.height < 1.4 * cell[1]


@pytest.mark.slow
def test_v1_has_a_column_for_each_fidelity_too(face_file, tiny_v1, tmp_path):
    out = tmp_path / "sweep.png"
    assert main(["sweep", str(face_file), "-o", str(out), "--fidelities", "0,0.5", "--model", tiny_v1]) == 0
    with Image.open(out) as grid:
        assert grid.width > 3 * 512


def test_without_a_face_there_is_nothing_to_compare(make_blank, tiny_v2, tmp_path, capsys):
    assert main(["sweep", str(make_blank("a.png")), "-o", str(tmp_path / "out.png"), "--model", tiny_v2]) == 1
    assert "no face found" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


@pytest.mark.slow
def test_a_column_for_each_model(face_file, tiny_v1, tiny_v2, tmp_path):
    out, report = tmp_path / "sweep.png", tmp_path / "report.json"
    words = ["sweep", str(face_file), "-o", str(out), "--report", str(report), "--models"]
    assert main([*words, f"{tiny_v2},{tiny_v1}"]) == 0
    with Image.open(out) as grid:
        assert 3 * 512 < grid.width < 3.2 * 512
    (entry,) = json.loads(report.read_text())["images"]
    assert [model["name"] for model in entry["report"]["models"]] == ["tiny_v2", "tiny_v1"]
    assert main([*words, f"{tiny_v2},{tiny_v1}", "--fidelities", "0,1", "--whole"]) == 0
    with Image.open(out) as grid:
        assert 5 * 192 < grid.width < 5.4 * 192


def test_one_model_or_several(face_file, tmp_path, capsys):
    words = ["sweep", str(face_file), "-o", str(tmp_path / "x.png"), "--model", "vqfr_small2", "--models", "vqfr_v2"]
    assert main(words) == 2
    assert "cannot be given together" in capsys.readouterr().err


def test_every_model_is_looked_for_before_one_is_loaded(face_file, tiny_v1, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("vqfr_core.cli.networks.FaceRestorer", None)  # loading would fail
    assert main(["sweep", str(face_file), "-o", str(tmp_path / "x.png"), "--models", f"{tiny_v1},vqfr_v3"]) == 2
    assert "there is no file vqfr_v3" in capsys.readouterr().err


@pytest.fixture
def others(tmp_path):
    """The words for a model folder with a RestoreFormer."""
    pytest.importorskip("spandrel")
    restorers.save(restorers.restoreformer(), tmp_path / "models" / "RestoreFormer.pth")
    return ["--model-dir", str(tmp_path / "models")]


def test_a_restorer_of_another_project(face_file, others, tmp_path, capsys):
    """Listed with its network, checked, and without a fidelity."""
    assert main(["models", "list", *others]) == 0
    assert "RestoreFormer.pth      file      RestoreFormer, here: " in capsys.readouterr().out
    assert main(["models", "verify", "RestoreFormer", *others]) == 0
    assert main(["sweep", str(face_file), "-o", str(tmp_path / "x.png"), "--model", "restoreformer", *others]) == 2
    assert "RestoreFormer has no fidelity to vary" in capsys.readouterr().err


@pytest.mark.slow
def test_it_beside_our_own(face_file, others, tiny_v2, tmp_path, capsys):
    out, report = tmp_path / "out.png", tmp_path / "report.json"
    assert main(["sweep", str(face_file), "-o", str(out), "--models", f"RestoreFormer,{tiny_v2}", *others]) == 0
    assert "compared: RestoreFormer, tiny_v2" in capsys.readouterr().out
    words = ["--model", "RestoreFormer.pth", "--fidelity", "0.2", "--report", str(report), *others]
    assert main(["restore", str(face_file), "-o", str(out), *words]) == 0
    (entry,) = json.loads(report.read_text())["images"]
    assert "RestoreFormer has no fidelity: the setting was ignored" in entry["report"]["notes"]
    folder = tmp_path / "faces"
    folder.mkdir()
    Image.new("RGB", (512, 512), (120, 90, 80)).save(folder / "a.png")
    words = [
        "evaluate",
        "--originals",
        str(folder),
        "-o",
        str(tmp_path / "e"),
        "--levels",
        "light",
        "--metrics",
        "psnr",
    ]
    assert main([*words, "--models", f"RestoreFormer,{tiny_v2}", "--fidelities", "0,1", *others]) == 0
    rows = json.loads((tmp_path / "e" / "evaluation.json").read_text())["summary"]
    assert [row["row"] for row in rows] == ["input", "RestoreFormer", "tiny_v2", "tiny_v2"]
