import sys

import numpy as np
import pytest

from vqfr_core.errors import InputError
from vqfr_core.pictures import read_picture, to_array
from vqfr_core.pictures.jpeg_xl import _size

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


@pytest.fixture(scope="module")
def codecs():
    codecs = pytest.importorskip("imagecodecs")
    if not codecs.JPEGXL.available:
        pytest.skip("this imagecodecs has no JPEG XL")
    return codecs


def noise(*shape, dtype=np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)


@pytest.mark.parametrize(("height", "width"), [(37, 300), (64, 256), (600, 9000), (12, 16), (8, 10)])
def test_the_size_is_known_before_decoding(codecs, height, width):
    data = codecs.jpegxl_encode(np.zeros((height, width), np.uint8), lossless=True, effort=1)
    assert _size(data) == (height, width)


@pytest.mark.parametrize("shape", [(9, 12), (9, 12, 3), (9, 12, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_pixels_come_exactly(codecs, tmp_path, shape, dtype):
    array = noise(*shape, dtype=dtype)
    (tmp_path / "a.jxl").write_bytes(codecs.jpegxl_encode(array, lossless=True))
    picture = read_picture(tmp_path / "a.jxl")
    assert (picture.is_gray, picture.bit_depth) == (array.ndim == 2, 8 * array.itemsize)
    expected = array[..., :3] if array.ndim == 3 else np.stack([array] * 3, -1)
    np.testing.assert_array_equal(to_array(picture.images[0], picture.bit_depth), expected)
    assert (picture.frames[0].alpha is not None) == (shape[-1] == 4)


def test_metadata_of_a_container(codecs, tmp_path):
    data = codecs.jpegxl_encode(noise(9, 12, 3), lossless=True, usecontainer=True)
    exif = b"\0\0\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    for kind, content in ((b"Exif", exif), (b"xml ", XMP)):
        data += (8 + len(content)).to_bytes(4, "big") + kind + content
    (tmp_path / "a.jxl").write_bytes(data)
    picture = read_picture(tmp_path / "a.jxl")
    assert picture.exif == exif[4:22] + b"\x01" + exif[23:]
    assert picture.xmp is not None and b'Orientation="1"' in picture.xmp


def test_what_cannot_be_read(codecs, tmp_path, monkeypatch):
    path = tmp_path / "a.jxl"
    data = codecs.jpegxl_encode(noise(9, 12, 3), lossless=True)
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"a\.jxl: .*damaged or cut off"):
        read_picture(path)
    path.write_bytes(b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(4) + b"abcd")
    with pytest.raises(InputError, match="no picture in it"):
        read_picture(path)
    path.write_bytes(b"\xff\x0a" + b"\xfe" + b"\xff" * 30)
    with pytest.raises(InputError, match="million pixels"):
        read_picture(path)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(InputError, match=r"install it with: python install\.py --with tiff"):
        read_picture(path)
