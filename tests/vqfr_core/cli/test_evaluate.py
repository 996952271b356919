import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vqfr_core.cli import main


@pytest.fixture
def faces(reference_dir, tmp_path) -> Path:
    """Two aligned faces."""
    folder = tmp_path / "faces"
    folder.mkdir()
    with Image.open(reference_dir / "input_face.png") as face:
        face.convert("RGB").save(folder / "a.png")
        face.convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "b.png")
    return folder


@pytest.fixture(autouse=True)
def no_weights(monkeypatch):
    monkeypatch.delenv("VQFR_METRIC_WEIGHTS", raising=False)


def read(out: Path) -> dict:
    return json.loads((out / "evaluation.json").read_text())


@pytest.mark.slow
def test_models_at_levels(faces, tiny_v1, tiny_v2, tmp_path, capsys):
    out = tmp_path / "out"
    words = ["evaluate", "--originals", str(faces), "-o", str(out), "--models", f"{tiny_v1},{tiny_v2}", "--limit", "1"]
    assert main([*words, "--levels", "light", "--fidelities", "0,1"]) == 0
    found = read(out)
    rows = [(row["row"], row["fidelity"]) for row in found["summary"]]
    assert rows == [("input", None), ("tiny_v1", 0.0), ("tiny_v1", 0.5), ("tiny_v2", 0.0), ("tiny_v2", 1.0)]
    assert len(found["pictures"]) == 5 and set(found["summary"][0]["mean"]) == {"psnr", "ssim", "lmd"}
    assert {model["name"] for model in found["models"]} == {"tiny_v1", "tiny_v2"} and found["seed"] == 0
    assert "NIQE" in found["absent"] and "--metric-weights" in found["absent"]["NIQE"]
    table = capsys.readouterr().out
    assert "| light | 1 | tiny_v2, fidelity 1 |" in table and "NIQE: absent" in table
    with Image.open(out / "pictures_light.jpg") as page:
        assert page.width > 6 * 256  # input, four answers, original
    assert not (out / "tradeoff_light.svg").exists()  # neither NIQE nor LPIPS


def test_pictures_restored_elsewhere(faces, tmp_path):
    out, restored = tmp_path / "out", tmp_path / "theirs"
    restored.mkdir()
    for path in faces.iterdir():
        pixels = np.asarray(Image.open(path)).astype(int)
        Image.fromarray(np.clip(pixels + 5, 0, 250).astype(np.uint8)).save(restored / path.name)
    words = ["evaluate", "--originals", str(faces), "--restored", str(restored), "-o", str(out)]
    assert main([*words, "--metrics", "psnr,psnr_matched"]) == 0
    (row,) = read(out)["summary"]
    assert (row["level"], row["row"], row["pictures"]) == ("given", "theirs", 2)
    assert row["mean"]["psnr"] == pytest.approx(-20 * np.log10(5 / 255), abs=0.5)
    assert row["mean"]["psnr_matched"] > row["mean"]["psnr"] + 5
    assert main([*words, "--degraded", str(faces), "--metrics", "psnr"]) == 0
    given, theirs = read(out)["summary"]
    assert (given["row"], given["mean"]["psnr"]) == ("input", 100) and theirs["mean"]["psnr"] == row["mean"]["psnr"]


def test_one_that_is_asked_for_and_absent_is_an_error(faces, tmp_path, capsys):
    words = ["evaluate", "--originals", str(faces), "-o", str(tmp_path / "out")]
    assert main([*words, "--metrics", "psnr,niqe"]) == 2
    assert "niqe_pris_params.npz" in capsys.readouterr().err
    assert main([*words, "--metrics", "beauty"]) == 2
    assert "there is no metric beauty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--levels", "huge"], "unknown level huge"),
        (["--restored", "FACES", "--models", "auto"], "need --degraded"),
        (["--degraded", "FACES", "--align"], "--align is for"),
    ],
)
def test_words_that_do_not_fit(words, message, faces, tmp_path, capsys):
    given = [str(faces) if word == "FACES" else word for word in words]
    assert main(["evaluate", "--originals", str(faces), "-o", str(tmp_path / "out"), *given]) == 2
    assert message in capsys.readouterr().err


def test_two_models_of_one_name(faces, tiny_v1, tmp_path, capsys):
    words = ["evaluate", "--originals", str(faces), "-o", str(tmp_path / "out"), "--models", f"{tiny_v1},{tiny_v1}"]
    assert main(words) == 2
    assert "are called tiny_v1" in capsys.readouterr().err


def test_without_originals_only_what_needs_none(faces, tiny_v2, tmp_path, capsys):
    words = ["evaluate", "--degraded", str(faces), "-o", str(tmp_path / "out"), "--models", tiny_v2]
    assert main(words) == 2  # NIQE is left, and it has no weights
    assert "no metric can be computed" in capsys.readouterr().err


def test_fid_that_cannot_be_is_an_error(faces, tmp_path, capsys):
    words = ["evaluate", "--originals", str(faces), "-o", str(tmp_path / "out"), "--reference", str(faces)]
    assert main([*words, "--limit", "1"]) == 2
    assert "there are 1 faces and 2" in capsys.readouterr().err
    assert main(words) == 1
    assert "alexnet_features.pth" in capsys.readouterr().err
