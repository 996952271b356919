import os
from pathlib import Path

import pytest

from vqfr_core.files.inputs import Inputs, find_inputs


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Files that are only looked at by name."""
    for name in ("b.PNG", "a.jpg", "notes.txt", ".hidden.png", "sub/c.webp", "sub/deep/a.jpg", ".cache/d.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def names(found: Inputs) -> list[str]:
    return [source.relative.as_posix() for source in found.sources]


def test_a_folder_gives_its_pictures_sorted(tree):
    found = find_inputs([str(tree)])
    assert names(found) == ["a.jpg", "b.PNG"] and found.problems == []
    assert found.sources[0].path == tree / "a.jpg" and not found.sources[0].is_named


def test_what_cannot_be_read_is_not_passed_over(tree):
    for name in ("c.HEIC", "d.mov", "e.nef", "f.xmp"):
        (tree / name).write_bytes(b"x")
    assert names(find_inputs([str(tree)])) == ["a.jpg", "b.PNG", "c.HEIC", "d.mov", "e.nef"]


def test_recursive_keeps_sub_folders(tree):
    assert names(find_inputs([str(tree)], recursive=True)) == ["a.jpg", "b.PNG", "sub/c.webp", "sub/deep/a.jpg"]


def test_folders_of_results_are_not_searched(tree):
    assert names(find_inputs([str(tree)], recursive=True, leave_out=[tree / "sub"])) == ["a.jpg", "b.PNG"]
    assert names(find_inputs([f"{tree}/**/*.jpg"], leave_out=[tree / "sub"])) == ["a.jpg"]
    assert names(find_inputs([str(tree / "sub")], leave_out=[tree / "sub"])) == ["c.webp"]


def test_patterns(tree):
    assert names(find_inputs([f"{tree}/*"])) == ["a.jpg", "b.PNG"]
    assert names(find_inputs([f"{tree}/**/a.*"])) == ["a.jpg", "sub/deep/a.jpg"]
    assert names(find_inputs([f"{tree}/*.txt"])) == ["notes.txt"]
    assert find_inputs([f"{tree}/?.jpg"]).sources[0].is_named


def test_a_file_name_with_brackets_is_no_pattern(tree):
    path = tree / "a[1].jpg"
    path.write_bytes(b"x")
    assert names(find_inputs([str(path)])) == ["a[1].jpg"]


def test_brackets_in_folders_and_patterns(tree):
    for name in ("[2024] trip/a.jpg", "[2024] trip/[b].jpg", "more/[2024] trip/c.jpg", "2 trip/d.jpg"):
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    assert names(find_inputs([f"{tree}/[[]2024] trip/*.jpg"])) == ["[2024] trip/[b].jpg", "[2024] trip/a.jpg"]
    assert names(find_inputs([f"{tree}/[2024] trip/*.jpg"])) == ["[b].jpg", "a.jpg"]
    assert names(find_inputs([f"{tree}/*/[2024] trip/*.jpg"])) == ["more/[2024] trip/c.jpg"]
    assert names(find_inputs([f"{tree}/[0-9] trip/[a-d].jpg"])) == ["2 trip/d.jpg"]
    assert names(find_inputs([f"{tree}/[2024] trip/[b]*"])) == ["[b].jpg"]
    assert names(find_inputs([f"{tree}/[2024] trip/missing.jpg"])) == ["missing.jpg"]


def test_patterns_relative_to_the_working_folder(tree, monkeypatch):
    monkeypatch.chdir(tree)
    assert names(find_inputs(["*.jpg", "sub/*/*.jpg"])) == ["a.jpg", "deep/a.jpg"]


def test_each_file_once_in_the_order_named(tree):
    words = [str(tree / "b.PNG"), str(tree), os.path.join(str(tree), "sub", "..", "a.jpg")]
    assert names(find_inputs(words)) == ["b.PNG", "a.jpg"]


def test_a_name_that_is_too_long(tree):
    ((_, why),) = find_inputs([f"{tree}/{'a' * 300}.jpg"]).problems
    assert "too long" in why


def test_what_stands_for_no_picture(tree):
    (tree / "empty").mkdir()
    found = find_inputs([str(tree / "empty"), f"{tree}/*.gif", str(tree / "missing.png")])
    assert [word for word, _ in found.problems] == [str(tree / "empty"), f"{tree}/*.gif"]
    assert "--recursive" in found.problems[0][1]
    # A file that is named is tried, so that it gets the message that fits.
    assert names(found) == ["missing.png"]
