import os
import shutil
from pathlib import Path

from stand_ins.toys import save_toys, toy_rows
from vqfr_core.cli import main
from vqfr_core.networks import registry
from vqfr_core.weights.catalog import RECORDS


def test_list_names_all_and_where_they_are(tmp_path, tiny_v2, capsys):
    shutil.copy(tiny_v2, tmp_path / "vqfr_v2.safetensors")
    assert main(["models", "list", "--model-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert all(record.name in said and record.licence in said for record in RECORDS)
    (line,) = (line for line in said.splitlines() if line.startswith("vqfr_v2 "))
    assert str(tmp_path / "vqfr_v2.safetensors") in line and line.endswith("taken by auto")
    assert "`models download bisenet`, 53 MB" in said
    assert str(tmp_path) in said.splitlines()[-1]


def test_download(capsys, monkeypatch, tmp_path):
    asked = []

    def fetch(store, name, progress):
        asked.append((name, store.folders().model))
        progress(1, 2)
        return tmp_path / name

    monkeypatch.setattr("vqfr_core.weights.store.WeightStore.fetch", fetch)
    assert main(["models", "download", "bisenet", "retinaface_mobile0.25", "--model-dir", str(tmp_path)]) == 0
    assert asked == [("bisenet", tmp_path)]
    said = capsys.readouterr().out
    assert str(tmp_path / "bisenet") in said and "nothing to download" in said


def test_downloads_that_fail_do_not_stop_the_others(capsys, tmp_path):
    assert main(["models", "download", "bisenet", "parsenet", "--model-dir", str(tmp_path)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and all("VQFR_OFFLINE" in line for line in said)
    assert main(["models", "download", "bisenets"]) == 1
    assert "known are" in capsys.readouterr().err


def test_what_is_listed_is_known_to_the_other_actions(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(registry, "ARCHITECTURES", (*registry.ARCHITECTURES, *toy_rows()))
    words = ["toy_restorer", "--model-dir", str(tmp_path)]
    assert main(["models", "download", *words]) == 1
    assert "toy_restorer is not in" in capsys.readouterr().err
    assert main(["models", "verify", *words]) == 2
    assert "toy_restorer is not here, and not for download" in capsys.readouterr().err
    save_toys(tmp_path)
    for action in ("download", "verify"):
        assert main(["models", action, *words]) == 0
        assert str(tmp_path / "toy_restorer.safetensors") in capsys.readouterr().out
        assert main(["models", action, "nothing"]) != 0
        assert "toy_restorer" in capsys.readouterr().err


def test_convert_and_verify(tiny_v2, tmp_path, capsys):
    source, target = Path(tiny_v2), tmp_path / "half.safetensors"
    assert main(["models", "convert", str(source), str(target), "--half"]) == 0
    assert target.stat().st_size < 0.6 * source.stat().st_size
    assert main(["models", "verify", str(target)]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert "vqfr_v2" in said and "float16" in said and "no published hash" in said


def test_convert_overwrites_only_when_told(tiny_v2, tmp_path, capsys):
    source = tmp_path / "a.safetensors"
    shutil.copy(tiny_v2, source)
    assert main(["models", "convert", str(source)]) == 2
    assert "is the input itself" in capsys.readouterr().err
    target = tmp_path / "b.safetensors"
    target.write_bytes(b"mine")
    assert main(["models", "convert", str(source), str(target)]) == 2
    assert target.read_bytes() == b"mine"
    assert main(["models", "convert", str(source), str(target), "--overwrite"]) == 0
    assert target.stat().st_size > 1000


def test_verify_finds_what_is_wrong(tiny_v2, tmp_path, capsys):
    assert main(["models", "verify"]) == 0
    assert "the published retinaface_mobile0.25" in capsys.readouterr().out
    published_name = tmp_path / "VQFR_v1-33a1fac5.pth"
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(Path(tiny_v2).read_bytes()[:1000])
    shutil.copy(tiny_v2, published_name)
    assert main(["models", "verify", str(damaged), str(published_name), tiny_v2]) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 2 and said.out.count("\n") == 1
    assert str(damaged) in said.err
    assert main(["models", "verify", "vqfr_v2"]) == 2
    assert main(["models", "verify", "nowhere.pth"]) == 2


def test_verify_remembers_files_without_a_published_hash(tiny_v2, tmp_path, capsys):
    path = tmp_path / "VQFR_v2.pth"
    shutil.copy(tiny_v2, path)
    said = []
    for _ in range(2):
        assert main(["models", "verify", "VQFR_v2.pth", "--model-dir", str(tmp_path)]) == 0
        said.append(capsys.readouterr().out)
    assert "no published hash" in said[0] and "unchanged since first seen" in said[1]
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    assert main(["models", "verify", "VQFR_v2.pth", "--model-dir", str(tmp_path)]) == 1
    assert "DIFFERS from the file first seen here" in capsys.readouterr().err


def test_verify_and_convert_do_not_wait_for_a_pipe(tmp_path, capsys):
    pipe = tmp_path / "pipe.pth"
    os.mkfifo(pipe)
    assert main(["models", "convert", str(pipe), str(tmp_path / "x.safetensors")]) == 1
    assert f"cannot read {pipe}" in capsys.readouterr().err
    assert main(["models", "verify", str(pipe)]) == 2
