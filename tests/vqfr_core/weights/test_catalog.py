import re
from pathlib import Path

import pytest

from vqfr_core.errors import WeightsError
from vqfr_core.options import detector_choices
from vqfr_core.weights.catalog import RECORDS, WeightRecord, find_record, get_record, record_of_file


def test_records_are_complete():
    assert len({record.name for record in RECORDS}) == len({record.file_name for record in RECORDS}) == len(RECORDS)
    for record in RECORDS:
        assert record.licence and record.origin
        assert record.sha256 is None or re.fullmatch("[0-9a-f]{64}", record.sha256)
        assert all(url.startswith("https://") and url.endswith(record.file_name) for url in record.urls)
        assert record.urls or record.packaged


def test_detector_names_are_those_of_the_options():
    assert {r.name for r in RECORDS if r.role == "detector"} == set(detector_choices()) - {"auto"}


def test_hash_in_a_file_name_is_its_prefix():
    record = get_record("vqfr_v1")
    assert record.file_name == f"VQFR_v1-{record.sha256_prefix}.pth"


def test_packaged_detector_is_there():
    path = get_record("retinaface_mobile0.25").packaged_path
    assert path is not None and path.stat().st_size < 2_000_000


def test_unknown_names_list_the_known():
    assert find_record("parsenet", "detector") is None
    with pytest.raises(WeightsError, match="retinaface_resnet50"):
        get_record("parsenet", "detector")
    assert record_of_file(Path("/x/VQFR_v2.pth")) is get_record("vqfr_v2")
    assert record_of_file(Path("/x/other.pth")) is None


def test_by_hand_names_file_url_folder_and_hash():
    record = get_record("parsenet")
    text = record.by_hand(Path("/models"))
    for part in (record.file_name, record.urls[0], "/models", record.sha256):
        assert part in text
    assert "no sha256 is published" in get_record("vqfr_v2").by_hand(Path("/models"))


def test_every_published_name_has_its_own_hash():
    record = WeightRecord("x", "metric", "x.pt", (), "none", "a test", "12" * 32, aliases=(("x-ab.pt", "ab"),))
    assert record.published_names == ("x.pt", "x-ab.pt")
    assert (record.known_hash("x.pt"), record.known_hash("x-ab.pt")) == ("12" * 32, "ab")
    assert record.expected_hash() == f"expected sha256 {'12' * 32}"
    assert record.expected_hash("x-ab.pt") == "expected sha256 starting with ab"


def test_names_of_copies():
    assert get_record("vqfr_v1").file_names == (
        "VQFR_v1-33a1fac5.safetensors",
        "VQFR_v1-33a1fac5.pth",
        "vqfr_v1.safetensors",
        "vqfr_v1.pth",
    )
    record = WeightRecord("x", "metric", "y.npz", (), "none", "a test", convertible=False)
    assert record.file_names == ("y.npz",)
