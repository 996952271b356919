"""Texts for readers who have no business on this computer."""

import pytest

from vqfr_core.errors import without_folders


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/home/Jane Doe/models/a.pth (3 bytes) is damaged", "a.pth (3 bytes) is damaged"),
        ("'/tmp/x/a b.png' and /tmp/y/b.png: same name", "'a b.png' and b.png: same name"),
        (r"C:\Users\Jane\a.png: no such file", "a.png: no such file"),
        (r"\\server\share\a.png: no such file", "a.png: no such file"),
        ("cannot read /a.png or /b.png", "cannot read a.png or b.png"),
        (r"a\0b and '\0\x1b' stay", r"a\0b and '\0\x1b' stay"),
        ("3/4 of 5 / 6 and/or https://example.org/a/b", "3/4 of 5 / 6 and/or https://example.org/a/b"),
    ],
)
def test_only_last_names_of_paths_are_left(text, told):
    assert without_folders(text) == told


def test_folders_may_have_any_name(tmp_path):
    folder = tmp_path / 'a: b | "c" * <d>? \\0 e'
    folder.mkdir()
    assert without_folders(f"{folder}/x.png and {folder}/y.png: bad; see {folder}/z") == "x.png and y.png: bad; see z"
