"""HEIC, with two small files that tests/data/heif/README.md describes."""

import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from vqfr_core.errors import InputError
from vqfr_core.pictures import open_picture, read_picture
from vqfr_core.pictures.cicp import NOT_STATED, cicp_of

DATA = Path(__file__).parents[2] / "data" / "heif"


def gradient() -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(48), torch.arange(80), indexing="ij")
    return torch.stack([x / 79, y / 47, (x + y) / 126])


def test_it_comes_upright_with_its_metadata():
    pytest.importorskip("pi_heif")
    picture = read_picture(DATA / "turned.heic")
    torch.testing.assert_close(picture.images[0], gradient().rot90(-1, (-2, -1)), atol=0.04, rtol=0)
    assert picture.exif is not None and b"VQFR" in picture.exif and picture.source_format == "HEIF"
    exif = Image.Exif()
    exif.load(picture.exif)
    assert exif[0x0112] == 1
    assert "HEIF" not in Image.OPEN


def test_ten_bits_and_transparency():
    pytest.importorskip("pi_heif")
    with open_picture(DATA / "deep.heic") as file:
        assert file.info.bit_depth == 16 and file.has_alpha and file.size == (48, 80)
        (frame,) = file.frames()
    torch.testing.assert_close(frame.image, gradient(), atol=0.04, rtol=0)
    assert frame.image.max() == 1
    assert frame.alpha[0, 0, 2] == pytest.approx(0.5, abs=0.01) and frame.alpha[0, 0, -1] == 1


def test_hdr_keeps_the_meaning_of_its_numbers():
    assert cicp_of(*NOT_STATED) == cicp_of(1, 13) == {}
    assert cicp_of(9, 16) == {b"cICP": b"\x09\x10\0\1"}


def test_cut_off_and_too_large(tmp_path):
    pytest.importorskip("pi_heif")
    (tmp_path / "cut.heic").write_bytes((DATA / "turned.heic").read_bytes()[:700])
    with pytest.raises(InputError, match=r"cut\.heic: .*damaged or cut off"):
        read_picture(tmp_path / "cut.heic")
    with pytest.raises(InputError, match="million pixels"):
        read_picture(DATA / "turned.heic", max_pixels=80 * 48 - 1)


def test_without_the_package_one_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(InputError, match=r"turned\.heic: .*pi-heif; install it with: python install\.py --with heif "):
        read_picture(DATA / "turned.heic")
