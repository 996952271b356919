"""A network needs a module and a row, and nothing else: toys of each role go all ways through the product."""

import json
from pathlib import Path
from shutil import copy

import pytest
import torch
from PIL import Image

from stand_ins.toys import TOYS, save_toys, toy_rows
from vqfr_core import FaceRestorer, RestoreOptions, read_picture
from vqfr_core.cli import main
from vqfr_core.errors import InputError
from vqfr_core.networks import registry
from vqfr_core.options import option_specs
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.store import WeightStore

OPTIONS = {"detector": "toy_detector", "mask": "parsing", "color_match": 0.0}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder with the toys' weights, and a registry with their rows."""
    monkeypatch.setattr(registry, "ARCHITECTURES", (*registry.ARCHITECTURES, *toy_rows()))
    models = tmp_path / "models"
    models.mkdir()
    save_toys(models)
    return models


def test_the_library(folder: Path, portrait: Image.Image):
    with FaceRestorer("toy_restorer", folder=folder) as restorer:
        result = restorer.restore(portrait, RestoreOptions(**OPTIONS))
        assert restorer.parser() is not None
        with pytest.raises(InputError, match="has no fidelity"):
            restorer.sweep(portrait, [0.0, 1.0], RestoreOptions(**OPTIONS))
        (note,) = restorer.restore(portrait, RestoreOptions(**OPTIONS, fidelity=0.9)).report.notes
        assert note == "toy_restorer (Toy restorer) has no fidelity: the setting was ignored"
    face = result.faces[0]
    assert face.crop.image.shape == face.image.shape == (3, 256, 256)
    torch.testing.assert_close(face.image, 1 - face.crop.image)
    report = result.report
    assert (report.model["name"], report.detector, report.mask) == ("toy_restorer", "toy_detector", "parsing")
    assert report.num_restored == 1 and not report.notes
    middle = tuple(size // 2 for size in result.image.shape[1:])
    assert result.mask[0][middle] == 1


def test_every_list_of_choices(folder: Path):
    (detectors,) = (spec.choices for spec in option_specs() if spec.name == "detector")
    assert detectors is not None and "toy_detector" in detectors
    store = WeightStore(lambda: Folders(folder))
    for role in ("restorer", "detector", "parser"):
        assert f"toy_{role}" in [choice.name for choice in store.choices(role)]
    assert store.auto_name("parser") == "toy_parser"  # nothing better is there


def test_the_command_line(folder: Path, face_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ["--detector", "toy_detector", "--mask", "parsing", "--color-match", "0", "--model-dir", str(folder)]
    out = tmp_path / "out.png"
    assert main(["restore", str(face_file), "-o", str(out), "--model", "toy_restorer", *words]) == 0
    with FaceRestorer("toy_restorer", folder=folder) as restorer:
        expected = restorer.restore(read_picture(face_file).images[0], RestoreOptions(**OPTIONS))
    assert (read_picture(out).images[0] - expected.image).abs().max() <= 0.5 / 255 + 1e-6
    assert main(["models", "list", "--model-dir", str(folder)]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in TOYS)
    assert main(["sweep", str(face_file), "-o", str(out), "--model", "toy_restorer", *words]) == 2


def test_an_evaluation(folder: Path, reference_dir: Path, tmp_path: Path):
    faces, out = tmp_path / "faces", tmp_path / "out"
    faces.mkdir()
    copy(reference_dir / "input_face.png", faces)
    words = ["evaluate", "--originals", str(faces), "-o", str(out), "--levels", "light", "--metrics", "psnr,lmd"]
    assert main([*words, "--models", "toy_restorer", "--model-dir", str(folder)]) == 0
    rows = {row["row"]: row for row in json.loads((out / "evaluation.json").read_text())["summary"]}
    assert rows["toy_restorer"]["fidelity"] is None
    assert rows["toy_restorer"]["mean"]["psnr"] < rows["input"]["mean"]["psnr"]  # a negative
