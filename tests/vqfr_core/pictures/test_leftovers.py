"""What files hold that changed pictures cannot keep is named."""

import struct
from pathlib import Path

import pytest
from PIL import Image

from vqfr_core.pictures import open_picture, read_picture, write_picture
from vqfr_core.pictures.photoshop import segment_with
from vqfr_core.pictures.stored_bits import stored_bits

from .conftest import IPTC, SRGB, XMP, XMP_SEGMENT, chunk, exif, jpeg, noise, png, segment


@pytest.mark.parametrize(
    ("segments", "loss"),
    [
        (segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP.replace(b"dc:title", b"hdrgm:Version")), "HDR gain map"),
        (segment(0xEB, b"JP\0\0\0\0\0\x01\0\0\0\x20jumb" + bytes(24)), "Content Credentials"),
    ],
)
def test_what_changed_pixels_cannot_keep_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, segments: bytes, loss: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(segments))
    picture = read_picture(tmp_path / "a.jpg")
    write_picture(picture, tmp_path / "b.jpg")
    assert loss in caplog.text and "b.jpg" in caplog.text
    assert b"hdrgm:Version" not in (tmp_path / "b.jpg").read_bytes()


def test_signed_png_and_webp_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(noise(), before=chunk(b"caBX", bytes(8))))
    Image.fromarray(noise()).save(tmp_path / "b.webp", lossless=True)
    stored = bytearray((tmp_path / "b.webp").read_bytes() + b"C2PA" + struct.pack("<I", 8) + bytes(8))
    stored[4:8] = struct.pack("<I", len(stored) - 8)
    (tmp_path / "b.webp").write_bytes(stored)
    for name in ("a.png", "b.webp"):
        assert "Content Credentials" in read_picture(tmp_path / name).losses[0], name


def test_what_a_format_has_no_place_for_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(XMP_SEGMENT + segment(0xED, segment_with(IPTC)), exif=b"Exif\0\0" + exif(1)))
    write_picture(read_picture(tmp_path / "a.jpg"), tmp_path / "b.bmp")
    for words in ("EXIF", "XMP", "IPTC"):
        assert words in caplog.text


PATH = b"8BIM\x07\xd0\0\0\0\0\0\x02ab"


@pytest.mark.parametrize(
    ("segments", "behind", "loss"),
    [
        (segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(40)), b"", "its extended XMP"),
        (segment(0xED, b"Photoshop 3.0\0" + PATH), b"", "its Photoshop resources, such as paths"),
        (segment(0xE2, b"MPF\0" + bytes(9)), b"", "its further pictures (MPO)"),
        (segment(0xE1, b"FLIR\0\x1b[31m"), b"", "its data called FLIR"),
        (b"", b"\0\0film", "what it has behind the picture, such as a depth map or a film"),
    ],
)
def test_what_a_jpeg_cannot_keep_is_named(tmp_path: Path, segments: bytes, behind: bytes, loss: str) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(segments) + behind)
    with open_picture(tmp_path / "a.jpg") as file:
        assert file.info.losses == (loss,)


def test_what_other_formats_cannot_keep_is_named(tmp_path: Path) -> None:
    ours = {"icc_profile": SRGB, "exif": b"Exif\0\0" + exif(1), "dpi": (99, 99)}
    (tmp_path / "a.png").write_bytes(png(noise(), chunk(b"mDCV", bytes(24)) + chunk(b"tIME", bytes(7)), **ours))
    assert read_picture(tmp_path / "a.png").losses == ("its data called mDCV, tIME",)
    layers, credentials = {37724: b"layers"}, "its Content Credentials (C2PA), which sign the pixels as they were"
    Image.fromarray(noise()).save(tmp_path / "a.tif", tiffinfo={**layers, 52545: b"c2pa"}, icc_profile=SRGB)
    assert read_picture(tmp_path / "a.tif").losses == ("its Photoshop layers", credentials)
    Image.fromarray(noise()).save(tmp_path / "a.avif")
    box = (24).to_bytes(4, "big") + b"uuid" + bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    with (tmp_path / "a.avif").open("ab") as file:
        file.write(box)
    assert read_picture(tmp_path / "a.avif").losses == (credentials,)


def test_bits_that_are_not_read_are_named(tmp_path: Path) -> None:
    bits = ("its bits beyond 8 a channel",)
    (tmp_path / "a.ppm").write_bytes(b"P6 # deep\n2 1\n65535\n" + bytes(12))
    assert read_picture(tmp_path / "a.ppm").losses == bits
    (tmp_path / "b.ppm").write_bytes(b"P6 2 1 255\n" + bytes(6))
    assert read_picture(tmp_path / "b.ppm").losses == ()
    Image.fromarray(noise()).save(tmp_path / "a.avif", quality=60)
    stored = (tmp_path / "a.avif").read_bytes()
    place = stored.index(b"av1C") + 6
    assert stored_bits("AVIF", stored) == 8
    assert stored_bits("AVIF", stored[:place] + bytes([stored[place] | 0x60]) + stored[place + 1 :]) == 12
    siz = b"\xff\x51" + bytes(38) + b"\x0f"
    assert stored_bits("JPEG2000", siz) == 16 and stored_bits("JPEG2000", siz[:-1]) == 8
