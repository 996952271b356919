"""What files say about themselves, from one format to another."""

import dataclasses
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin

from vqfr_core.errors import InputError
from vqfr_core.pictures import open_picture, read_picture, write_picture
from vqfr_core.pictures.photoshop import iptc_in, join_segments, segment_with
from vqfr_core.pictures.xmp import (
    mark_composite,
)

from .conftest import IPTC, SRGB, UPRIGHT, XMP, chunk, exif, jpeg, noise, png, segment


def test_exif_behind_the_pixels_of_a_png_counts(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(noise(), behind=chunk(b"eXIf", exif(6))))
    with open_picture(tmp_path / "a.png") as file:
        assert file.size == (48, 32) and file.info.exif == exif(1)


def test_a_cut_exif_block_keeps_its_orientation(tmp_path: Path) -> None:
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHH", 5, 0x0112, 3, 1, 6, 0)
    (tmp_path / "a.jpg").write_bytes(jpeg(exif=b"Exif\0\0" + block))
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.images[0].shape == (3, 48, 32) and picture.exif is None


def test_iptc_goes_from_jpeg_to_jpeg_and_tiff(tmp_path: Path) -> None:
    thumbnail = b"8BIM\x04\x0c\0\0\0\0\0\x03abc\0"
    data = segment_with(IPTC)
    (tmp_path / "a.jpg").write_bytes(jpeg(segment(0xED, data[:14] + thumbnail + data[14:])))
    for name, source in (("b.jpg", "a.jpg"), ("c.tif", "b.jpg"), ("d.jpg", "c.tif")):
        write_picture(read_picture(tmp_path / source), tmp_path / name)
        assert read_picture(tmp_path / name).iptc == IPTC, name


@pytest.mark.parametrize("cut", range(12, 40))
def test_a_cut_photoshop_segment_has_no_records(cut: int) -> None:
    assert iptc_in(join_segments([segment_with(IPTC)[:cut]])) is None


@pytest.mark.parametrize("bits", [8, 16])
def test_how_a_png_means_its_colours_stays(tmp_path: Path, bits: int) -> None:
    linear = chunk(b"gAMA", struct.pack(">I", 100_000)) + chunk(b"cICP", bytes([9, 16, 0, 1]))
    (tmp_path / "a.png").write_bytes(png(noise(), before=linear))
    picture = read_picture(tmp_path / "a.png")
    if bits == 16:
        picture = type(picture)(**{**vars(picture), "bit_depth": 16})
    write_picture(picture, tmp_path / "b.png")
    stored = (tmp_path / "b.png").read_bytes()
    assert linear[:16] in stored and b"cICP" + bytes([9, 16, 0, 1]) in stored
    assert stored.index(b"gAMA") < stored.index(b"IDAT")


def test_long_text_and_profiles_are_no_damage(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    workflow = "workflow " * 200_000
    text.add_text("workflow", workflow, zip=True)
    text.add_itxt("prompt", workflow, zip=True)
    profile = SRGB + np.random.default_rng(0).bytes(1_400_000)
    Image.fromarray(noise()).save(tmp_path / "a.png", pnginfo=text, icc_profile=profile)
    picture = read_picture(tmp_path / "a.png")
    assert picture.text == {"workflow": workflow, "prompt": workflow} and picture.icc_profile == profile
    with pytest.raises(ValueError, match="too large"), Image.open(tmp_path / "a.png") as other:
        other.load()  # the limit is only raised while we read


@pytest.mark.slow
def test_text_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    bomb = b"a\0\0" + zlib.compress(bytes(1 << 28), 9)
    (tmp_path / "a.png").write_bytes(png(noise(), before=chunk(b"zTXt", bomb)))
    with pytest.raises(InputError, match=r"a\.png"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("comment", ["grüße".encode(), "grüße".encode("latin-1")])
def test_a_comment_is_read_in_either_encoding(tmp_path: Path, comment: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(comment=comment))
    write_picture(read_picture(tmp_path / "a.jpg"), tmp_path / "b.png")
    assert read_picture(tmp_path / "b.png").text == {"comment": "grüße"}


def test_a_grey_result_has_no_profile_for_colours(tmp_path: Path) -> None:
    Image.fromarray(noise()[..., 0]).save(tmp_path / "a.jpg", icc_profile=SRGB)
    write_picture(read_picture(tmp_path / "a.jpg"), tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as stored:
        assert stored.mode == "L" and "icc_profile" not in stored.info


@pytest.mark.parametrize("animated", [False, True])
def test_lossless_webp_stays_lossless(tmp_path: Path, animated: bool) -> None:
    still = Image.fromarray(noise())
    more = {"save_all": True, "append_images": [still.rotate(180)], "duration": 50} if animated else {}
    still.save(tmp_path / "a.webp", lossless=True, **more)
    still.save(tmp_path / "lossy.webp", quality=80, **more)
    picture = read_picture(tmp_path / "a.webp")
    assert picture.is_lossless and not read_picture(tmp_path / "lossy.webp").is_lossless
    write_picture(picture, tmp_path / "b.webp")
    for before, after in zip(picture.frames, read_picture(tmp_path / "b.webp").frames, strict=True):
        assert before.image.equal(after.image)


def test_endless_empty_chunks_behind_a_webp_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vqfr_core.pictures.pillow_metadata._MOST_CHUNKS", 50)
    Image.fromarray(noise()).save(tmp_path / "a.webp", lossless=True)
    with (tmp_path / "a.webp").open("ab") as file:
        file.write(bytes(8 * 100) + b"VP8 " + bytes(4))
    assert read_picture(tmp_path / "a.webp").is_lossless, "the last chunk is not reached"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\nshowpage\n"),
        ("b.png", b"SIMPLE  =                    T" + b" " * 2850),
        ("c.png", b"8BPS\0\x01" + bytes(60)),
        ("d.png", b"\x0a\x05\x01\x08" + bytes(124)),
    ],
)
def test_formats_that_are_not_named_are_not_opened(tmp_path: Path, name: str, content: bytes) -> None:
    """PostScript would start Ghostscript; FITS, PSD and PCX are decoders nobody asked for."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}.*not a picture"):
        read_picture(tmp_path / name)


def tiff_pages(path: Path, *tags: dict[int, object]) -> None:
    """A TIFF whose pages have these tags."""
    pages = []
    for number, own in enumerate(tags):
        page = Image.fromarray(noise())
        page.encoderinfo = {"tiffinfo": TiffImagePlugin.ImageFileDirectory_v2()}
        page.encoderinfo["tiffinfo"].update({**own, 305: f"page {number}"})
        pages.append(page)
    pages[0].save(path, save_all=True, append_images=pages[1:], **pages[0].encoderinfo)


def test_each_page_of_a_tiff_keeps_its_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = SRGB + b"other"
    tiff_pages(
        tmp_path / "a.tif",
        {34675: SRGB, 270: "first", 700: XMP},
        {34675: other, 270: "second", 282: 300.0, 283: 600.0, 700: XMP, 42112: "<GDAL/>"},
    )
    picture = read_picture(tmp_path / "a.tif")
    write_picture(picture, tmp_path / "b.tif")
    assert "later page" in caplog.text and "tag 42112" in caplog.text
    with Image.open(tmp_path / "b.tif") as stored:
        stored.seek(1)
        assert stored.tag_v2[34675] == other and stored.tag_v2[270] == "second" and stored.tag_v2[305] == "page 1"
        assert stored.size == (32, 48) and b'Orientation="1"' in stored.tag_v2[700]
        assert (stored.tag_v2[282], stored.tag_v2[283]) == (600, 300), "turned by XMP alone"
        stored.seek(0)
        assert stored.tag_v2[34675] == SRGB and stored.tag_v2[270] == "first"


def test_a_gif_keeps_its_xmp(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    still = Image.fromarray(noise()).quantize(200)
    for name, more in (("a.gif", {}), ("b.gif", {"save_all": True, "append_images": [still.rotate(180)]})):
        still.save(tmp_path / name, **more)
        packet = mark_composite(UPRIGHT)
        write_picture(dataclasses.replace(read_picture(tmp_path / name), xmp=packet), tmp_path / name)
        again = read_picture(tmp_path / name)
        assert again.xmp == packet and len(again.frames) == 1 + bool(more)
    application = b"!\xff\x0bABCDEFGH1.0\x02ab\0"
    stored = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "a.gif").write_bytes(stored[:-1] + application + stored[-1:])
    assert read_picture(tmp_path / "a.gif").losses == ("its data called ABCDEFGH1.0",)


def test_records_and_comments_in_several_segments_are_joined(tmp_path: Path) -> None:
    data = segment_with(IPTC)
    parts = segment(0xED, data[:40]) + segment(0xED, data[:14] + data[40:])
    (tmp_path / "a.jpg").write_bytes(jpeg(parts + segment(0xFE, b"one") + segment(0xFE, b"two")))
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.iptc == IPTC and picture.text == {"comment": "one\ntwo"} and picture.losses == ()


def test_an_avif_says_what_its_numbers_mean(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.avif")
    stored = (tmp_path / "a.avif").read_bytes()
    place = stored.index(b"colrnclx") + 8
    (tmp_path / "a.avif").write_bytes(stored[:place] + struct.pack(">HH", 9, 16) + stored[place + 4 :])
    picture = read_picture(tmp_path / "a.avif")
    assert picture.color_chunks == {b"cICP": bytes([9, 16, 0, 1])}
    write_picture(picture, tmp_path / "b.avif")
    assert "its colour space" in caplog.text
