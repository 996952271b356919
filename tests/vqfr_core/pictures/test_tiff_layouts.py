"""All layouts of a TIFF, written by tifffile, come back right; without tifffile they come back right or are refused."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from vqfr_core.errors import InputError
from vqfr_core.pictures import Picture, read_picture

tifffile = pytest.importorskip("tifffile")

HEIGHT, WIDTH = 32, 48
KINDS = {
    # colours and others, photometric interpretation, extra samples
    "grey": (1, "minisblack", None),
    "white is zero": (1, "miniswhite", None),
    "grey, alpha": (2, "minisblack", [2]),
    "grey, selection": (2, "minisblack", [0]),
    "rgb": (3, "rgb", None),
    "rgb, alpha": (4, "rgb", [2]),
    "rgb, multiplied": (4, "rgb", [1]),
    "rgb, selection": (4, "rgb", [0]),
    "cmyk": (4, "separated", None),
}
TYPES = (np.uint8, np.uint16, np.uint32, np.float16, np.float32, np.float64)
COMPRESSIONS = (None, "zlib", "lzw", "packbits")
TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


def samples(kind: str, dtype: type) -> np.ndarray:
    """Smooth, different channels (H, W, C), the colours of "multiplied" multiplied by the last."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] / np.array([HEIGHT, WIDTH])[:, None, None]
    planes = np.stack([x, y, (x + y) / 2, 0.3 + 0.5 * x * y], -1)[..., : KINDS[kind][0]] * 0.9 + 0.05
    if kind == "rgb, multiplied":
        planes[..., :3] *= planes[..., 3:]
    return as_type(planes, dtype)


def as_type(values: np.ndarray, dtype: type) -> np.ndarray:
    whole = np.issubdtype(dtype, np.integer)
    return (values * np.iinfo(dtype).max).round().astype(dtype) if whole else values.astype(dtype)


def expected(kind: str, stored: np.ndarray, orientation: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Colours (H, W, 3) and alpha (H, W) in [0, 1]."""
    whole = np.issubdtype(stored.dtype, np.integer)
    values = stored / (np.iinfo(stored.dtype).max if whole else 1)
    values = TURNS[orientation](values.astype(np.float64))
    extra = KINDS[kind][2]
    colors = values[..., :-1] if extra else values
    alpha = values[..., -1] if extra in ([1], [2]) else None
    if extra == [1]:
        colors = colors / values[..., -1:]
    if kind == "white is zero":
        colors = 1 - colors
    if kind == "cmyk":
        colors = (1 - colors[..., :3]) * (1 - colors[..., 3:])
    return np.broadcast_to(colors, (*colors.shape[:2], 3)), alpha


def write(path: Path, kind: str, stored: np.ndarray, number: int, planar: bool, tiled: bool) -> int:
    """Write a file, its other properties by number; returns the orientation."""
    orientation = number % 8 + 1
    layout = {"tile": (16, 32)} if tiled else {"rowsperstrip": (8, HEIGHT)[number % 3 == 0]}
    channels, photometric, extra = KINDS[kind]
    data = stored[..., 0] if channels == 1 else np.moveaxis(stored, -1, 0) if planar else stored
    tifffile.imwrite(
        path,
        data,
        photometric=photometric,
        planarconfig=None if channels == 1 else "separate" if planar else "contig",
        extrasamples=extra,
        byteorder="<>"[number % 2],
        compression=COMPRESSIONS[(number + planar) // 2 % len(COMPRESSIONS)],
        extratags=[(274, 3, 1, orientation, True)],
        metadata=None,
        **layout,
    )
    return orientation


def read_or_refuse(path: Path) -> Picture | str:
    """The picture, or why it is refused."""
    try:
        return read_picture(path)
    except InputError as error:
        return str(error)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("has_tifffile", [True, False])
def test_every_layout_is_read_right_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, dtype: type, has_tifffile: bool
) -> None:
    stored = samples(kind, dtype)
    path = tmp_path / "a.tif"
    for index, (planar, tiled, _) in enumerate(itertools.product((False, True), (False, True), range(4))):
        number = 3 * index  # all orientations, both byte orders and all compressions
        orientation = write(path, kind, stored, number, planar, tiled)
        if not has_tifffile:
            monkeypatch.setitem(sys.modules, "tifffile", None)
        picture = read_or_refuse(path)
        monkeypatch.undo()
        if isinstance(picture, str):
            assert not has_tifffile, picture
            assert "a.tif" in picture and "pip install tifffile" in picture, picture
            continue
        colors, alpha = expected(kind, stored, orientation)
        found = picture.images[0].permute(1, 2, 0).numpy()
        case = (number, planar, tiled)
        assert found.shape == colors.shape, case
        tolerance = (
            0.02 if kind == "cmyk" else 1 / 200 if picture.bit_depth == 8 else 2e-3 if dtype == np.float16 else 1e-4
        )
        assert np.abs(found - colors).max() < tolerance, case
        assert (picture.frames[0].alpha is None) == (alpha is None), case
        if alpha is not None:
            assert np.abs(picture.frames[0].alpha[0].numpy() - alpha).max() < 1 / 200, case
        if kind != "cmyk":
            assert picture.bit_depth == {np.uint8: 8, np.uint16: 16}.get(dtype, 32), case


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "RGBA", "CMYK", "I;16", "1"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_page_stored_on_its_side_in_one_piece(tmp_path: Path, mode: str, orientation: int) -> None:
    """Pillow 11 and later map such files by the turned size, if given a path."""
    rng = np.random.default_rng(0)
    upright = Image.fromarray(rng.integers(0, 256, (24, 40, 3), np.uint8))
    image = Image.fromarray(rng.integers(0, 65536, (24, 40), np.uint16)) if mode == "I;16" else upright.convert(mode)
    image.save(tmp_path / "plain.tif")
    tags = ImageFileDirectory_v2()
    tags[274] = orientation
    image.save(tmp_path / "turned.tif", tiffinfo=tags)
    plain, turned = (read_picture(tmp_path / name).images[0] for name in ("plain.tif", "turned.tif"))
    turned_by_hand = TURNS[orientation](plain.permute(1, 2, 0).numpy())
    np.testing.assert_array_equal(turned.permute(1, 2, 0).numpy(), turned_by_hand)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_depths_between_are_scaled(tmp_path: Path, bits: int) -> None:
    pytest.importorskip("imagecodecs")
    values = np.random.default_rng(0).integers(0, 2**bits, (16, 24), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", values, bitspersample=bits, photometric="minisblack")
    picture = read_picture(tmp_path / "a.tif")
    assert picture.bit_depth == 16 and picture.is_gray
    np.testing.assert_allclose(picture.images[0][0].numpy(), values / (2**bits - 1), atol=1e-5)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.complex64])
def test_numbers_that_are_no_brightness_are_refused(tmp_path: Path, dtype: type) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((8, 8), dtype), photometric="minisblack")
    with pytest.raises(InputError, match=r"a\.tif.*signed or complex"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.parametrize("tags", [{50706: (1, 4, 0, 0)}, {254: 1}, {262: 32803}])
def test_camera_raw_is_refused(tmp_path: Path, tags: dict[int, object]) -> None:
    """A DNG, a file of previews alone, a sensor's mosaic."""
    directory = ImageFileDirectory_v2()
    for number, value in tags.items():
        directory[number] = value
    Image.new("RGB", (16, 12), "red").save(tmp_path / "a.dng", format="TIFF", tiffinfo=directory)
    if 262 in tags:  # Pillow writes its own
        stored = (tmp_path / "a.dng").read_bytes()
        (tmp_path / "a.dng").write_bytes(
            stored.replace(b"\x06\x01\x03\0\x01\0\0\0\x02\0", b"\x06\x01\x03\0\x01\0\0\0\x23\x80")
        )
    with pytest.raises(InputError, match=r"a\.dng.*camera raw.*develop"):
        read_picture(tmp_path / "a.dng")


def test_canon_raw_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.cr2").write_bytes(b"II*\0\x10\0\0\0CR\x02\0" + bytes(100))
    with pytest.raises(InputError, match=r"a\.cr2.*camera raw"):
        read_picture(tmp_path / "a.cr2")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("shared", [(1, 1), (2, 2)])
def test_ycbcr_that_is_not_packed(tmp_path, orientation, shared):
    """shared: the columns and rows of pixels that have their colour together."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    colors = np.stack([x * 5, y * 7, 255 - x * 5], -1).astype(np.uint8)
    ycbcr = np.asarray(Image.fromarray(colors).convert("YCbCr"))
    across, down = shared
    pixels = b"".join(
        block[..., 0].tobytes() + block[..., 1:].mean((0, 1)).astype(np.uint8).tobytes()
        for rows in np.split(ycbcr, HEIGHT // down)
        for block in np.split(rows, WIDTH // across, axis=1)
    )
    tags = ImageFileDirectory_v2()
    tags.update({256: WIDTH, 257: HEIGHT, 258: (8, 8, 8), 259: 1, 262: 6, 274: orientation, 277: 3, 530: shared})
    tags.update({273: 0, 278: HEIGHT, 279: len(pixels)})
    (tmp_path / "a.tif").write_bytes(b"II*\0\x08\0\0\0" + tags.tobytes(8) + pixels)
    image = read_picture(tmp_path / "a.tif").images[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(image * 255, TURNS[orientation](colors), atol=12)
