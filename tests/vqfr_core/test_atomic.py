import os
import stat

import pytest

from vqfr_core.atomic import clear_drafts, whole_file


def test_the_file_appears_when_all_is_written(tmp_path):
    path = tmp_path / "a.bin"
    with whole_file(path) as file:
        file.write(b"all of it")
        assert not path.exists()
    assert path.read_bytes() == b"all of it" and os.listdir(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("exception", [KeyboardInterrupt, OSError, GeneratorExit])
def test_any_exception_leaves_the_old_file(tmp_path, exception):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(exception), whole_file(path) as file:  # noqa: PT012  what is raised inside is the point
        file.write(b"half of")
        raise exception("now")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a.bin"]


def test_a_failed_move_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt), whole_file(path) as file:
        file.write(b"new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["a.bin"]


def test_a_link_is_replaced_and_not_followed(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with whole_file(link) as file:
        file.write(b"new")
    assert not link.is_symlink() and link.read_bytes() == b"new" and target.read_bytes() == b"old"


def test_drafts_of_killed_writers_are_cleared_and_others_stay(tmp_path):
    left, other = tmp_path / ".vqfr-0123456789ab.part", tmp_path / "model.pth.part"
    left.write_bytes(b"half of"), other.write_bytes(b"a download")
    with whole_file(tmp_path / "a.bin") as file:
        file.write(b"new")
        clear_drafts(tmp_path)
        assert not left.exists() and other.exists()
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    clear_drafts(tmp_path / "missing")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_it_has_the_permissions_of_a_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    with whole_file(tmp_path / "whole"):
        pass
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "whole")}
    assert len(modes) == 1


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "no" / "a.bin"):
        pass
    assert os.listdir(tmp_path) == []
