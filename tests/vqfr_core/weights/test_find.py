import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vqfr_core.weights.catalog import get_record
from vqfr_core.weights.find import ABSENT, file_state, find_latest, find_named_file, find_record_file, list_files
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.glance import glance

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
    found = list_files(Folders(model, (other, tmp_path / "absent"), listed=(listed,)), {"known.pth"}, "restorer")
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
    assert [name for name, _ in list_files(Folders(tmp_path), (), "restorer")] == [os.path.join("sub", "a.pth")]


GFPGAN = ("conv_body_first.weight", "stylegan_decoder.style_mlp.1.weight")
PARSER = ("out_mask_conv.conv2d.weight", "encoder.0.conv2d.weight")


def put_names(path: Path, names: tuple[str, ...], **how: bool) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"params_ema": {name: torch.zeros(1) for name in names}}, path, **how)
    return path


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_glance_at_a_pickle(tmp_path, is_zip):
    path = put_names(tmp_path / "x.pth", GFPGAN, _use_new_zipfile_serialization=is_zip)
    assert glance(path).label == "GFPGAN"
    put_names(path, PARSER, _use_new_zipfile_serialization=is_zip)
    assert glance(path).label == "ParseNet", "the file has changed"


def test_a_glance_at_other_files(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file({f"module.{name}": torch.zeros(1) for name in GFPGAN}, path)
    assert glance(path).label == "GFPGAN"
    for content in (b"", b"<html>", b"PK\x03\x04broken", b"\x80\x02broken", b"\x30\0\0\0\0\0\0\0{broken"):
        path.write_bytes(content)
        assert glance(path) is None
    assert glance(tmp_path / "absent.pth") is None


def test_a_glance_runs_nothing(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path / "ran").touch, ()

    torch.save({**{name: torch.zeros(1) for name in GFPGAN}, "trap": Trap()}, tmp_path / "x.pth")
    assert glance(tmp_path / "x.pth") is None and not (tmp_path / "ran").exists()


def test_restorers_of_other_folders_are_listed(tmp_path):
    own, other, upscalers = (tmp_path / name for name in ("own", "other", "upscalers"))
    put_names(other / "GFPGANv1.4.pth", GFPGAN)
    put_names(other / "parser.pth", PARSER)
    put_names(other / "sub" / "deep.pth", GFPGAN)
    (other / "note.pth").write_bytes(b"<html>")
    put_names(upscalers / "GFPGANv1.3.pth", GFPGAN)
    folders = Folders(own, (other,), by_name=(upscalers,))
    assert list_files(folders, (), "restorer") == [("GFPGANv1.4.pth", other / "GFPGANv1.4.pth")]
    assert find_named_file("GFPGANv1.3", folders.places()) == upscalers / "GFPGANv1.3.pth"


def test_the_latest_is_the_one_with_the_highest_version(tmp_path):
    for name in ("GFPGANv1.10.pth", "GFPGANv1.4.pth", "GFPGANv1.9.pth"):
        put_names(tmp_path / name, GFPGAN)
    assert find_latest("gfpgan", "restorer", [tmp_path]) == tmp_path / "GFPGANv1.10.pth"
    assert find_latest("codeformer", "restorer", [tmp_path]) is None
