"""XMP packets, which follow the pixels."""

from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from vqfr_core.pictures import read_picture, write_picture
from vqfr_core.pictures.losses import collect_losses
from vqfr_core.pictures.xmp import (
    COMPOSITE,
    carried,
    in_utf8,
    mark_composite,
    orientation_of,
    resize,
    turn_upright,
    without_companions,
)

from .conftest import UPRIGHT, XMP, XMP_SEGMENT, exif, jpeg, noise


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


def test_xmp_in_other_encodings_turns_with_the_pixels(tmp_path: Path) -> None:
    for number, encoding in enumerate(("utf-16", "utf-16-be", "utf-32")):
        packet = ("<?xml version='1.0' encoding='UTF-16'?>" + XMP.decode()).encode(encoding)
        Image.fromarray(noise()).save(tmp_path / f"{number}.tif", tiffinfo={700: packet})
        picture = read_picture(tmp_path / f"{number}.tif")
        assert picture.images[0].shape == (3, 48, 32) and picture.xmp is not None
        assert orientation_of(picture.xmp) == 1 and COMPOSITE.encode() in mark_composite(picture.xmp)


def test_statements_of_companions_go_in_every_form() -> None:
    directory = b"<GContainer:Directory><rdf:Seq><rdf:li/></rdf:Seq></GContainer:Directory>"
    elements = b"<hdrgm:Version>1.0</hdrgm:Version><hdrgm:Gain a='/'/><hdrgm:Max><rdf:Seq/></hdrgm:Max>"
    packet = b'<a x="1" GCamera:MotionPhoto="1" GDepth:Near=\'2\' y="3">%b<b/></a>'
    assert without_companions(packet % (directory + elements)) == packet[:8] + b' y="3"><b/></a>'


@pytest.mark.parametrize("part", [b" ", b"<hdrgm:A>", b"<a", b"stArea:x=", b"<stArea:x>", b"a", b"tiff:Orientation "])
def test_hostile_packets_take_no_time(part: bytes) -> None:
    """Each took minutes, or hours, with patterns that look back."""
    packet = b"<" + part * 100_000
    assert len(carried(packet, 6)) == len(resize(packet, 9, 9)) == len(packet)
    assert mark_composite(packet) is None, "there is no description to put the mark into"


def test_an_endless_packet_is_left_out() -> None:
    with collect_losses() as losses:
        assert in_utf8(bytes(5_000_000)) == b""
    assert losses[0].text == "the XMP packet of 5,000,000 bytes was left out"
