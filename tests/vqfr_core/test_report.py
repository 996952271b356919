import dataclasses
import json
from dataclasses import replace
from pathlib import Path

import pytest

from vqfr_core.networks.base import ModelInfo
from vqfr_core.options import RestoreOptions
from vqfr_core.report import count_faces, count_reasons, face_reports, make_report
from vqfr_core.types import Box, Drift, Face, FaceDetection, ImageFaces, MadeBy, Measures, Point

MODEL = {
    "name": "vqfr_v2",
    "kind": "VQFR v2",
    "generation": 2,
    "file": "v2.pth",
    "sha256": "ab",
    "source": "file",
    "device": "cpu",
    "precision": "bf16",
    "fidelity": 0.5,
}


def face(name: float, number: int | None = None, skipped: str | None = None, score: float = 0.98765) -> Face:
    return Face(FaceDetection(Box(name, 2.0, 3.126, 4.0), (Point(0.123, 1.0),) * 5, score), number, skipped)


def entry(*faces: Face, **changes: object) -> ImageFaces:
    made_by = MadeBy("retinaface", MODEL, "soft")
    return ImageFaces(None, (9, 8), faces, made_by, **changes)


def test_faces_with_their_numbers_first_those_used():
    found = entry(
        face(0, 2), face(1, None, "smaller than 24 px (4 px)"), face(2, 1, "not selected (selected: 0)"), face(3, 0)
    )
    reports = face_reports(found)
    assert [(r.box[0], r.number, r.status) for r in reports] == [
        (3, 0, "restored"),
        (0, 2, "restored"),
        (2, 1, "skipped"),
        (1, None, "skipped"),
    ]
    assert [r.reason for r in reports] == ["", "", "not selected (selected: 0)", "smaller than 24 px (4 px)"]
    assert {r.status for r in face_reports(found, "found")} == {"found", "skipped"}


def test_numbers_are_rounded_and_finite():
    first, second = face_reports(entry(face(0.12345, 0), face(1, 1, score=float("nan"))))
    assert first.box == (0.12, 2.0, 3.13, 4.0) and first.landmarks[0] == (0.12, 1.0) and first.score == 0.9877
    assert second.score == 0.0


def test_what_was_measured_and_what_to_look_at():
    measured = replace(
        face(0, 3), measures=Measures(0.1234, 2.345), fidelity=0.25, drift=Drift(0.1239, 4.56), warning="look"
    )
    report = make_report(entry(measured, face(1, 4)), RestoreOptions(), {})
    first, second = report.faces
    assert (first.sharpness, first.noise, first.fidelity) == (0.12, 2.3, 0.25)
    assert (first.landmark_drift, first.tone_drift) == (0.124, 4.6)
    assert (second.sharpness, second.fidelity, second.landmark_drift, second.warning) == (None, None, None, "")
    assert report.warnings == ["face 3: look"]


def test_a_report_is_plain_data_with_every_field():
    report = make_report(
        entry(face(0, 0), face(1, 1, "not selected (selected: 0)"), notes=("a note",)),
        RestoreOptions(opacity=0.9),
        {"detect": 0.123456, "blend": 1.0},
    )
    plain = json.loads(json.dumps(report.to_dict()))
    assert list(plain) == [
        "size", "faces", "model", "detector", "mask", "device", "precision", "options", "precision_reason",
        "background", "notes", "timings_s",
    ]  # fmt: skip
    assert list(plain["faces"][0]) == [
        "number", "box", "landmarks", "score", "status", "reason",
        "sharpness", "noise", "fidelity", "landmark_drift", "tone_drift", "warning",
    ]  # fmt: skip
    assert plain["model"] == {k: MODEL[k] for k in ("name", "kind", "generation", "file", "sha256", "source")}
    assert (plain["device"], plain["precision"], plain["detector"], plain["mask"]) == (
        "cpu",
        "bf16",
        "retinaface",
        "soft",
    )
    assert plain["options"] == dataclasses.asdict(RestoreOptions(opacity=0.9))
    assert plain["size"] == [9, 8] and plain["notes"] == ["a note"] and plain["timings_s"]["detect"] == 0.1235
    assert report.num_restored == 1
    assert report.summary() == "1 of 2 faces restored (skipped: 1 not selected), vqfr_v2 on cpu in bf16, 1.1 s"


def test_the_precision_is_the_one_that_was_said():
    assert make_report(entry(), RestoreOptions(precision="fp32"), {}).precision == "bf16"


def test_networks_say_what_they_are(small_v2):
    network = type(small_v2)(small_v2.network)
    assert network.describe() == {
        "name": "vqfr_v2",
        "kind": "VQFR v2",
        "generation": 2,
        "file": None,
        "sha256": None,
        "source": "built by hand",
    }
    network.attach(ModelInfo("mine", Path("folder/mine.pth"), "cd", "downloaded", {}))
    assert network.describe() == {
        "name": "mine",
        "kind": "VQFR v2",
        "generation": 2,
        "file": "mine.pth",
        "sha256": "cd",
        "source": "downloaded",
    }
    assert network.info.generation == 2 and network.module.info is network.info
    network.module.info = None  # it is the session's


@pytest.mark.parametrize(
    ("num_used", "reasons", "line"),
    [
        (0, [], "no face found"),
        (1, [], "1 of 1 face restored"),
        (2, ["not selected (selected: 0)"], "2 of 3 faces restored (skipped: 1 not selected)"),
        (0, ["a (1)", "b", "a (2)"], "0 of 3 faces restored (skipped: 2 a, 1 b)"),
    ],
)
def test_counting_for_a_person(num_used, reasons, line):
    assert count_faces(num_used, reasons) == line
    assert count_faces(num_used, reasons, "chosen") == line.replace("restored", "chosen")


def test_counting_reasons():
    assert count_reasons(["x (1)", "y", "y (2)"]) == "2 y, 1 x" and count_reasons([]) == ""
