"""What files say about themselves, from one format to another."""

import dataclasses
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from vqfr_core.errors import InputError
from vqfr_core.pictures import open_picture, read_picture, write_picture
from vqfr_core.pictures.photoshop import iptc_in, join_segments, segment_with
from vqfr_core.pictures.stored_bits import stored_bits
from vqfr_core.pictures.xmp import (
    COMPOSITE,
    carried,
    mark_composite,
    orientation_of,
    resize,
    turn_upright,
    without_companions,
)

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" tiff:Orientation="6" tiff:ImageWidth="48" dc:title="a title">'
    b'<mwg-rs:Area stArea:x="0.25" stArea:y="0.1" stArea:w="0.2" stArea:h="0.4" stArea:unit="normalized"/>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)
UPRIGHT = XMP.replace(b'Orientation="6"', b'Orientation="1"')
IPTC = b"\x1c\x02\x78\x00\x09a caption"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(height: int = 32, width: int = 48) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def exif(orientation: int) -> bytes:
    return b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(array: np.ndarray, before: bytes = b"", behind: bytes = b"", **options: object) -> bytes:
    """A PNG with chunks before and behind its pixels."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG", **options)
    data = buffer.getvalue()
    return data[:33] + before + data[33:-12] + behind + data[-12:]


def jpeg(segments: bytes = b"", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(noise()).save(buffer, "JPEG", quality=95, extra=segments, **options)
    return buffer.getvalue()


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


XMP_SEGMENT = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)


def test_exif_behind_the_pixels_of_a_png_counts(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(noise(), behind=chunk(b"eXIf", exif(6))))
    with open_picture(tmp_path / "a.png") as file:
        assert file.size == (48, 32) and file.info.exif == exif(1)


def test_a_cut_exif_block_keeps_its_orientation(tmp_path: Path) -> None:
    block = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHH", 5, 0x0112, 3, 1, 6, 0)
    (tmp_path / "a.jpg").write_bytes(jpeg(exif=b"Exif\0\0" + block))
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.images[0].shape == (3, 48, 32) and picture.exif is None


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".avif", ".tif"])
def test_xmp_alone_turns_a_picture_once(tmp_path: Path, suffix: str) -> None:
    """As Pillow has it in `exif_transpose`, which shows pictures in hosts and pages."""
    path = tmp_path / f"a{suffix}"
    if suffix == ".jpg":
        path.write_bytes(jpeg(XMP_SEGMENT))
    elif suffix == ".png":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", XMP.decode())
        Image.fromarray(noise()).save(path, pnginfo=text)
    elif suffix == ".tif":
        Image.fromarray(noise()).save(path, tiffinfo={700: XMP})
    else:
        Image.fromarray(noise()).save(path, xmp=XMP)
    picture = read_picture(path)
    assert picture.images[0].shape == (3, 48, 32)
    assert picture.xmp is not None and b'stArea:x="0.9"' in picture.xmp and b'stArea:w="0.4"' in picture.xmp
    for target in (".png", ".jpg", ".webp", ".avif", ".tif"):
        write_picture(picture, tmp_path / f"b{target}")
        again = read_picture(tmp_path / f"b{target}")
        assert again.images[0].shape == (3, 48, 32), target
        assert again.xmp == picture.xmp.replace(b'ImageWidth="48"', b'ImageWidth="32"'), target


def test_exif_goes_before_xmp(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(XMP_SEGMENT, exif=b"Exif\0\0" + exif(1)))
    picture = read_picture(tmp_path / "a.jpg")
    assert picture.images[0].shape == (3, 32, 48) and picture.xmp == UPRIGHT


def test_a_tag_and_xmp_turn_a_tiff_once(tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.tif", tiffinfo={274: 6, 700: XMP})
    picture = read_picture(tmp_path / "a.tif")
    assert picture.images[0].shape == (3, 48, 32)
    assert picture.xmp is not None and orientation_of(picture.xmp) == 1


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


def test_endless_empty_chunks_behind_a_webp_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vqfr_core.pictures.pillow_metadata._MOST_CHUNKS", 50)
    Image.fromarray(noise()).save(tmp_path / "a.webp", lossless=True)
    with (tmp_path / "a.webp").open("ab") as file:
        file.write(bytes(8 * 100) + b"VP8 " + bytes(4))
    assert read_picture(tmp_path / "a.webp").is_lossless, "the last chunk is not reached"


def test_what_a_format_has_no_place_for_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(XMP_SEGMENT + segment(0xED, segment_with(IPTC)), exif=b"Exif\0\0" + exif(1)))
    write_picture(read_picture(tmp_path / "a.jpg"), tmp_path / "b.bmp")
    for words in ("EXIF", "XMP", "IPTC"):
        assert words in caplog.text


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


def test_marked_as_made_in_part_by_a_model() -> None:
    other = XMP.replace(b"rdf:", b"r.1:").replace(b"xmlns:rdf=", b"xmlns:r.1=")
    for given in (None, XMP, other):
        once = mark_composite(given)
        assert once.count(COMPOSITE.encode()) == 1 and mark_composite(once) == once
    assert all(b'dc:title="a title"' in mark_composite(given) for given in (XMP, other))
    assert b"<r.1:Description r.1:about" in mark_composite(other)
    assert mark_composite(XMP.decode().encode("utf-16")) is None, "it stays as it is"
    captured = XMP.replace(b"dc:title=", b"Iptc4xmpExt:DigitalSourceType=")
    assert b"a title" not in mark_composite(captured)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_turn_with_the_pixels(orientation: int) -> None:
    """A dot at the centre of the region is at the centre of the turned one."""
    import torch

    from vqfr_core.pictures.exif import orient

    image = torch.zeros(1, 20, 40)
    image[0, 2, 10] = 1  # the pixel whose centre is nearest to (0.25 * 40, 0.1 * 20)
    turned = orient(image, orientation)
    packet = turn_upright(XMP, orientation)
    x, y = (float(packet.split(f'stArea:{name}="'.encode())[1].split(b'"')[0]) for name in "xy")
    row, column = divmod(int(turned.flatten().argmax()), turned.shape[2])
    assert abs(x * turned.shape[2] - column) <= 1 and abs(y * turned.shape[1] - row) <= 1


def test_sizes_follow() -> None:
    packet = resize(b'<a tiff:ImageWidth="48"><exif:PixelYDimension>32</exif:PixelYDimension></a>', 96, 64)
    assert packet == b'<a tiff:ImageWidth="96"><exif:PixelYDimension>64</exif:PixelYDimension></a>'


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


def test_xmp_in_other_encodings_turns_with_the_pixels(tmp_path: Path) -> None:
    for number, encoding in enumerate(("utf-16", "utf-16-be", "utf-32")):
        packet = ("<?xml version='1.0' encoding='UTF-16'?>" + XMP.decode()).encode(encoding)
        Image.fromarray(noise()).save(tmp_path / f"{number}.tif", tiffinfo={700: packet})
        picture = read_picture(tmp_path / f"{number}.tif")
        assert picture.images[0].shape == (3, 48, 32) and picture.xmp is not None
        assert orientation_of(picture.xmp) == 1 and COMPOSITE.encode() in mark_composite(picture.xmp)


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


def test_statements_of_companions_go_in_every_form() -> None:
    directory = b"<GContainer:Directory><rdf:Seq><rdf:li/></rdf:Seq></GContainer:Directory>"
    elements = b"<hdrgm:Version>1.0</hdrgm:Version><hdrgm:Gain a='/'/><hdrgm:Max><rdf:Seq/></hdrgm:Max>"
    packet = b'<a x="1" GCamera:MotionPhoto="1" GDepth:Near=\'2\' y="3">%b<b/></a>'
    assert without_companions(packet % (directory + elements)) == packet[:8] + b' y="3"><b/></a>'


@pytest.mark.parametrize("part", [b" ", b"<hdrgm:A>", b"<a", b"stArea:x=", b"<stArea:x>", b"a", b"tiff:Orientation "])
def test_hostile_packets_take_no_time(part: bytes) -> None:
    """Each took minutes, or hours, with patterns that look back."""
    packet = b"<" + part * 20_000
    carried(packet, 6)
    resize(packet, 9, 9)
    mark_composite(packet)


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


def test_an_avif_says_what_its_numbers_mean(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.avif")
    stored = (tmp_path / "a.avif").read_bytes()
    place = stored.index(b"colrnclx") + 8
    (tmp_path / "a.avif").write_bytes(stored[:place] + struct.pack(">HH", 9, 16) + stored[place + 4 :])
    picture = read_picture(tmp_path / "a.avif")
    assert picture.color_chunks == {b"cICP": bytes([9, 16, 0, 1])}
    write_picture(picture, tmp_path / "b.avif")
    assert "its colour space" in caplog.text
