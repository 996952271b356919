import os

import pytest

from vqfr_core.weights.catalog import get_record
from vqfr_core.weights.find import ABSENT, file_state, find_named_file, find_record_file, list_files
from vqfr_core.weights.folders import Folders

V1 = get_record("vqfr_v1")


def test_finds_published_converted_and_short_names(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.mkdir()
    b.mkdir()
    assert find_record_file(V1, [a, b]) is None
    for path in (b / "vqfr_v1.pth", b / "VQFR_v1-33a1fac5.pth", b / "VQFR_v1-33a1fac5.safetensors"):
        path.write_bytes(b"")
        assert find_record_file(V1, [a, b]) == path
    (a / "vqfr_v1.safetensors").write_bytes(b"")
    assert find_record_file(V1, [a, b]) == a / "vqfr_v1.safetensors"


def test_a_packaged_copy_comes_first(tmp_path):
    small = get_record("vqfr_small2")
    (tmp_path / "vqfr_small2.safetensors").write_bytes(b"")
    assert find_record_file(small, [tmp_path]) == small.packaged_path


def test_a_path_or_a_name_in_the_folders(tmp_path):
    path = tmp_path / "sub" / "mine.pth"
    path.parent.mkdir()
    path.write_bytes(b"")
    assert find_named_file(path, []) == path
    assert find_named_file(os.path.join("sub", "mine.pth"), [tmp_path / "absent", tmp_path]) == path
    assert find_named_file("mine.pth", [tmp_path]) is None


def test_state_follows_the_file(tmp_path):
    path = tmp_path / "x.pth"
    assert file_state(None) == file_state(path) == ABSENT
    path.write_bytes(b"one")
    first = file_state(path)
    os.utime(path, ns=(1, 1))
    second = file_state(path)
    path.write_bytes(b"other")
    os.utime(path, ns=(1, 1))
    assert len({ABSENT, first, second, file_state(path)}) == 4


def test_listed_files_are_those_of_our_own_folders(tmp_path):
    model, listed, other = (tmp_path / name for name in ("model", "listed", "other"))
    for path in (
        model / "b.pth",
        model / "known.pth",
        model / "note.txt",
        model / "sub" / "a.SAFETENSORS",
        model / "sub" / "known.pth",
        listed / "b.pth",
        listed / "c.safetensors",
        other / "GFPGAN.pth",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    found = list_files(Folders(model, (other, tmp_path / "absent"), listed=(listed,)), {"known.pth"})
    assert found == [
        ("b.pth", model / "b.pth"),
        ("c.safetensors", listed / "c.safetensors"),
        (os.path.join("sub", "a.SAFETENSORS"), model / "sub" / "a.SAFETENSORS"),
    ]


def test_a_link_to_a_folder_above_ends(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.pth").write_bytes(b"")
    try:
        (tmp_path / "sub" / "up").symlink_to(tmp_path, target_is_directory=True)
    except OSError:
        pytest.skip("no links here")
    assert [name for name, _ in list_files(Folders(tmp_path), ())] == [os.path.join("sub", "a.pth")]
