"""The command from end to end, with a tiny random network."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from stand_ins.restorers import save
from stand_ins.upscalers import spandrel_network
from vqfr_core.cli import main

FAST = ("--fidelity", "0")  # the main decoder, which takes most of the time, is left out


def pixels(path) -> np.ndarray:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


def files_in(folder) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_that_can_be_asked_for(face_file, tiny_v2, tmp_path, capsys):
    out = tmp_path / "out"
    extras = ("--compare", out / "compare.png", "--crops", out, "--masks", out / "masks", "--report", out / "r.json")
    words = ["restore", face_file, "-o", out / "done.png", "--model", tiny_v2, "--opacity", "0.9", *FAST, *extras]
    assert main([str(word) for word in words]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{face_file} -> {out / 'done.png'}: 1 of 1 face restored, tiny_v2 on ")
    assert said.out.count("\n") == 1
    # A random network changes the face beyond recognition.
    assert said.err.startswith(f"warning: {face_file}: face 0: the restored face may not look like the input (")
    assert said.err.count("\n") == 1
    assert files_in(out) == {
        "done.png", "compare.png", "r.json", "masks/done_mask.png", "done_face0_input.png", "done_face0_restored.png",
    }  # fmt: skip
    before, after, mask = pixels(face_file), pixels(out / "done.png"), pixels(out / "masks/done_mask.png")
    assert (before == after)[mask == 0].all() and (before != after).any()
    assert 200 < mask.max() <= 230
    assert pixels(out / "done_face0_input.png").shape == pixels(out / "done_face0_restored.png").shape == (512, 512, 3)
    height, width = pixels(out / "compare.png").shape[:2]
    assert width > 2 * 192 and height > 160
    (entry,) = json.loads((out / "r.json").read_text())["images"]
    assert (entry["status"], entry["source"], entry["output"]) == ("done", str(face_file), str(out / "done.png"))
    assert [face["status"] for face in entry["report"]["faces"]] == ["restored"]
    assert entry["report"]["options"]["opacity"] == 0.9


def test_a_document_stays_one(tiny_v2, tmp_path, capsys):
    blank, out = Image.new("RGB", (64, 48), "white"), tmp_path / "out"
    blank.save(tmp_path / "scan.tif", save_all=True, append_images=[blank])
    words = ["restore", str(tmp_path / "scan.tif"), "-o", str(out), "--model", tiny_v2]
    assert main([*words, "--format", "png"]) == 1
    assert "PNG cannot hold the input's 2 pages; use .tif, .tiff" in capsys.readouterr().err
    assert main(words) == 0
    assert files_in(out) == {"scan.tif"}
    with Image.open(out / "scan.tif") as result:
        assert result.n_frames == 2


def test_a_folder_with_a_bad_file_and_pictures_without_faces(make_blank, tiny_v2, tmp_path, capsys):
    photo, other = make_blank("in/photo.jpg"), make_blank("in/sub/other.png")
    (tmp_path / "in" / "bad.png").write_bytes(b"no picture")
    out = tmp_path / "in" / "out"
    words = ["restore", str(tmp_path / "in"), "-o", str(out), "--recursive", "--model", tiny_v2]
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.out.count("no face found") == 2
    assert said.err.startswith("error: ") and "bad.png" in said.err and said.err.count("\n") == 1
    assert files_in(out) == {"photo.png", "sub/other.png"}
    assert (pixels(out / "photo.png") == pixels(photo)).all() and (pixels(out / "sub/other.png") == pixels(other)).all()
    # Once more: the results are neither taken for inputs nor made again.
    assert main(words) == 1
    assert capsys.readouterr().out.count("skipped") == 2
    assert files_in(out) == {"photo.png", "sub/other.png"}


def test_an_unchanged_picture_in_its_own_format_is_copied(make_blank, tiny_v2, tmp_path):
    photo = make_blank("photo.jpg")
    assert main(["restore", str(photo), "-o", str(tmp_path / "out"), "--format", "same", "--model", tiny_v2]) == 0
    assert (tmp_path / "out" / "photo.jpg").read_bytes() == photo.read_bytes()


def test_patterns_and_pictures_of_one_name(make_blank, tiny_v2, tmp_path, capsys):
    make_blank("x/a.png"), make_blank("y/a.png")
    out = tmp_path / "out"
    assert main(["restore", f"{tmp_path}/?/a.png", "-o", str(out), "--model", tiny_v2, "-q"]) == 0
    assert files_in(out) == {"x/a.png", "y/a.png"}
    named = [str(tmp_path / folder / "a.png") for folder in "xy"]
    assert main(["restore", *named, "-o", str(tmp_path / "o2"), "--model", tiny_v2, "-q"]) == 0
    assert len(files_in(tmp_path / "o2")) == 2
    assert main(["restore", *named[::-1], "-o", str(tmp_path / "o2"), "--model", tiny_v2]) == 0
    assert capsys.readouterr().out.count("skipped") == 2


def test_the_input_is_not_overwritten(face_file, tiny_v2, capsys):
    before = face_file.read_bytes()
    assert main(["restore", str(face_file), "-o", str(face_file), "--model", tiny_v2]) == 2
    assert "would be overwritten" in capsys.readouterr().err
    assert face_file.read_bytes() == before


def test_an_animation_keeps_its_frames(portrait, tiny_v2, tmp_path, capsys):
    path, out = tmp_path / "moving.png", tmp_path / "out"
    blank = Image.new("RGB", portrait.size, (120, 130, 140))
    portrait.save(path, save_all=True, append_images=[blank, blank.transpose(0)], duration=[40, 50, 60])
    words = ["restore", path, "-o", out, "--model", tiny_v2, "--crops", out, "--masks", out, *FAST]
    words += ["--crop-px", 256, "--crop-factor", 2, "--compare", out, "--report", tmp_path / "r.json"]
    assert main([str(word) for word in words]) == 0
    with Image.open(path) as before, Image.open(out / "moving.png") as after:
        assert after.n_frames == before.n_frames
        num_frames = before.n_frames
    assert f"{num_frames} frames, 1 of 1 face restored" in capsys.readouterr().out
    seen, made = (pixels(out / f"moving_frame0000_face0_{kind}.png") for kind in ("input", "restored"))
    assert seen.shape == (256, 256, 3) and (seen[:64] == made[:64]).all() and (seen[64:192] != made[64:192]).any()
    assert {"moving_mask.png", "moving_compare.png"} <= files_in(out)
    (entry,) = json.loads((tmp_path / "r.json").read_text())["images"]
    assert len(entry["frames"]) == num_frames and entry["report"] == entry["frames"][0]


@pytest.mark.slow
def test_aligned_at_fidelities_of_a_v1(face_file, tiny_v1, tmp_path, capsys):
    out = {}
    for fidelity in (None, "0.2", "0.5", "1"):
        path = tmp_path / f"{fidelity}.webp"
        words = [] if fidelity is None else ["--fidelity", fidelity]
        assert main(["restore", str(face_file), "-o", str(path), "--model", tiny_v1, "--aligned", *words]) == 0
        out[fidelity] = pixels(path)
    assert out[None].shape == (512, 512, 3) and (out["0.2"] != out[None]).any()
    assert np.array_equal(out["0.5"], out[None]) and np.array_equal(out["1"], out[None])
    assert "fidelity:" not in capsys.readouterr().err, "no note: it has an effect"


@pytest.mark.parametrize("moment", ["restoring", "writing"])
def test_ctrl_c_leaves_nothing_half_written(make_blank, tiny_v2, tmp_path, capsys, monkeypatch, moment):
    make_blank("in/a.png"), make_blank("in/b.png")
    out = tmp_path / "out"

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    def interrupt_in_the_middle(image, file, *_, **__):
        file.write(b"half")
        raise KeyboardInterrupt

    if moment == "restoring":
        monkeypatch.setattr("vqfr_core.restorer.find_faces", interrupt)
    else:
        monkeypatch.setattr(Image.Image, "save", interrupt_in_the_middle)
    words = ["restore", str(tmp_path / "in"), "-o", str(out), "--model", tiny_v2, "--scale", "2"]
    assert main([*words, "--report", str(tmp_path / "r.json")]) == 130
    assert capsys.readouterr().err == "error: interrupted; nothing was left half-written\n"
    assert os.listdir(out) == []
    statuses = [entry["status"] for entry in json.loads((tmp_path / "r.json").read_text())["images"]]
    assert statuses == ["not done", "not done"]


@pytest.mark.parametrize(
    ("extra", "status", "message"),
    [
        (["--model", "vqfr_v2"], 1, "VQFR_OFFLINE"),
        (["--model", "vqfr_v2", "--no-download"], 1, "VQFR_v2.pth"),
        (["--model", "nowhere.pth"], 2, "nowhere.pth"),
        (["--mask", "parsing"], 1, "fetches parsenet or bisenet"),
        (["--device", "abacus"], 2, "abacus"),
        (["--precision", "fp16", "--device", "cpu"], 2, "fp16"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_missing_is_told_once(make_blank, tiny_v2, tmp_path, capsys, extra, status, message):
    make_blank("in/a.png"), make_blank("in/b.png")
    words = ["restore", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--model", tiny_v2, *extra]
    assert main(words) == status
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("error: ") and said.err.count("\n") == 1
    assert message in said.err


def test_a_background(make_blank, tiny_v2, tmp_path, capsys, monkeypatch):
    pytest.importorskip("spandrel")
    monkeypatch.setenv("VQFR_MODEL_PATH", str(tmp_path / "models"))
    save(spandrel_network("Compact"), tmp_path / "models" / "2x_tiny.pth")
    photo, out = make_blank("photo.jpg"), tmp_path / "out.jpg"
    words = ["restore", str(photo), "-o", str(out), "--model", tiny_v2, "--report", str(tmp_path / "r.json")]
    assert main([*words, "--background", "2x_tiny", "--scale", "4"]) == 0
    said = capsys.readouterr()
    assert "no face found" in said.out and "background by 2x_tiny" in said.out
    assert said.err == "note: 2x_tiny enlarges 2 times; the rest of the output scale 4 was done by Lanczos\n"
    assert pixels(out).shape == (192, 256, 3)
    (entry,) = json.loads((tmp_path / "r.json").read_text())["images"]
    assert entry["report"]["background"]["kind"] == "RealESRGAN Compact"
    assert main([*words, "--background", "other.pth"]) == 2
    said = capsys.readouterr().err
    assert "there is no file other.pth" in said and said.endswith("known upscalers are 2x_tiny.pth\n")
    assert main([*words, "--background", "2x_tiny", "--aligned"]) == 2
    assert "--aligned and --background cannot be given together" in capsys.readouterr().err
    assert main(["models", "list"]) == 0
    assert "2x_tiny.pth            file      a Real-ESRGAN (compact) upscaler, here:" in capsys.readouterr().out
