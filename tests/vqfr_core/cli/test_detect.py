import json

import numpy as np
from PIL import Image

from vqfr_core.cli import main


def test_faces_are_drawn_and_reported(face_file, tmp_path, capsys):
    out, report = tmp_path / "faces.png", tmp_path / "faces.json"
    assert main(["detect", str(face_file), "-o", str(out), "--report", str(report)]) == 0
    assert capsys.readouterr().out == f"{face_file} -> {out}: 1 face found, 1 to be used\n"
    with Image.open(out) as drawn:
        assert max(drawn.size) >= 800
        assert (np.asarray(drawn) == (40, 200, 90)).all(-1).any()
    (entry,) = json.loads(report.read_text())["images"]
    (face,) = entry["report"]["faces"]
    assert (face["number"], face["status"]) == (0, "found") and face["score"] > 0.8
    assert len(face["landmarks"]) == 5
    x0, y0, x1, y1 = face["box"]
    assert 32 < x0 < 96 < x1 < 160 and 0 < y0 < 80 < y1 < 160
    assert entry["report"]["detector"] == "retinaface_mobile0.25"


def test_skipped_faces_have_their_reason(face_file, tmp_path, capsys):
    words = ["detect", str(face_file), "-o", str(tmp_path), "--format", "webp", "--min-face-px", "150"]
    assert main([*words, "--report", str(tmp_path / "r.json")]) == 0
    assert "1 face found, 0 to be used (not: 1 smaller than 150 px)" in capsys.readouterr().out
    (entry,) = json.loads((tmp_path / "r.json").read_text())["images"]
    (face,) = entry["report"]["faces"]
    assert (face["number"], face["status"]) == (None, "skipped") and "150 px" in face["reason"]
    assert (tmp_path / "portrait.webp").exists()


def test_no_face_is_no_failure(make_blank, tmp_path, capsys):
    assert main(["detect", str(make_blank("a.png")), "-o", str(tmp_path / "out.png")]) == 0
    assert "no face found" in capsys.readouterr().out
    assert (tmp_path / "out.png").exists()


def test_an_animation_shows_its_first_frame(portrait, tmp_path, capsys):
    path = tmp_path / "moving.gif"
    portrait.save(path, save_all=True, append_images=[portrait.transpose(0)], duration=40)
    assert main(["detect", str(path), "-o", str(tmp_path / "out.png")]) == 0
    assert "first frame" in capsys.readouterr().err


def test_of_several_pages_the_first_is_shown(make_blank, tmp_path, capsys):
    path = tmp_path / "scan.tif"
    with Image.open(make_blank("a.png")) as page:
        page.save(path, save_all=True, append_images=[page.rotate(90, expand=True)] * 2)
    assert main(["detect", str(path), "-o", str(tmp_path / "out.png")]) == 0
    assert f"{path} has 3 pages; the first is shown" in capsys.readouterr().err
