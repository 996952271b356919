import io
import os
import re
import struct
import weakref
import zlib

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageOps, PngImagePlugin, features
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from vqfr_core.errors import InputError
from vqfr_core.pictures import guard
from vqfr_core.pictures.convert import to_array
from vqfr_core.pictures.guard import WholeFile
from vqfr_core.pictures.read import open_picture, read_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(*shape, dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def bgr(array):
    return array[..., [2, 1, 0, 3][: array.shape[2]]]


def planes(array, maximum):
    return torch.from_numpy(array.astype(np.float32)).permute(2, 0, 1) / maximum


def png16(color_type, samples, extra=b""):
    """A 16-bit PNG written by the specification. samples: (H, W, C) uint16."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    body = chunk(b"IHDR", header) + (chunk(b"tRNS", extra) if extra else b"") + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def test_rgb_png_with_everything_that_belongs_to_it(tmp_path):
    array = noise(5, 7, 3)
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a portrait, Steps: 20")
    text.add_itxt("note", "größer 顔", lang="de", tkey="Notiz")
    Image.fromarray(array).save(tmp_path / "a.png", pnginfo=text, icc_profile=SRGB, dpi=(300, 150))
    picture = read_picture(tmp_path / "a.png")
    assert torch.equal(picture.images[0], planes(array, 255))
    assert picture.text == {"parameters": "a portrait, Steps: 20", "note": "größer 顔"}
    assert picture.icc_profile == SRGB
    assert picture.dpi == pytest.approx((300, 150), abs=0.02)
    assert (picture.is_gray, picture.bit_depth, picture.is_animated, picture.source_format) == (False, 8, False, "PNG")
    assert picture.frames[0].alpha is None and picture.exif is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_exif_orientation_is_applied_once(tmp_path, orientation, suffix):
    picture = Image.fromarray(noise(8, 16, 3).repeat(4, 0).repeat(4, 1))
    exif = picture.getexif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    path = tmp_path / f"a{suffix}"
    picture.save(path, exif=exif, **({"lossless": True} if suffix == ".webp" else {}))
    result = read_picture(path)
    with Image.open(path) as stored:
        stored.load()
        upright = stored if suffix == ".tif" else ImageOps.exif_transpose(stored)  # Pillow itself turns TIFFs
        expected = np.array(upright.convert("RGB"))
    np.testing.assert_array_equal(to_array(result.images[0]), expected)
    again = Image.Exif()
    again.load(result.exif)
    assert again.get(0x0112, 1) == 1
    assert again[0x010F].strip("\0") == "Maker"


def test_orientation_swaps_the_resolutions(tmp_path):
    picture = Image.new("RGB", (8, 4))
    picture.getexif()[0x0112] = 6
    picture.save(tmp_path / "a.jpg", exif=picture.getexif(), dpi=(300, 150))
    assert read_picture(tmp_path / "a.jpg").dpi == (150, 300)


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_gray_has_three_equal_channels(tmp_path, mode):
    picture = Image.fromarray(noise(6, 5)).convert(mode)
    picture.save(tmp_path / "a.png")
    result = read_picture(tmp_path / "a.png")
    image = result.images[0]
    assert result.is_gray and result.bit_depth == 8
    assert torch.equal(image[0], image[1]) and torch.equal(image[0], image[2])
    np.testing.assert_array_equal(to_array(image)[..., 0], np.array(picture.convert("L")))
    assert (result.frames[0].alpha is not None) == (mode == "LA")


def test_palettes_become_colours_with_their_transparency(tmp_path):
    picture = Image.new("P", (3, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.putdata([0, 1, 2])
    picture.save(tmp_path / "opaque.png")
    picture.save(tmp_path / "a.png", transparency=bytes([255, 128, 0]))
    opaque, clear = read_picture(tmp_path / "opaque.png"), read_picture(tmp_path / "a.png")
    assert torch.equal(opaque.images[0], torch.eye(3)[:, None]) and opaque.frames[0].alpha is None
    assert torch.equal(clear.images[0], torch.eye(3)[:, None])
    assert clear.frames[0].alpha.flatten().tolist() == pytest.approx([1, 128 / 255, 0])


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_transparent_colour_becomes_alpha(tmp_path, mode):
    picture = Image.new(mode, (2, 1), 10 if mode == "L" else (10, 20, 30))
    picture.putpixel((1, 0), 200 if mode == "L" else (200, 20, 30))
    picture.save(tmp_path / "a.png", transparency=10 if mode == "L" else (10, 20, 30))
    result = read_picture(tmp_path / "a.png")
    assert result.frames[0].alpha.flatten().tolist() == [0, 1]
    assert result.is_gray == (mode == "L")


@pytest.mark.parametrize(("color_type", "num_channels"), [(0, 1), (4, 2), (2, 3), (6, 4)])
def test_16_bit_png_keeps_its_depth(tmp_path, color_type, num_channels):
    array = noise(5, 7, num_channels, dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(png16(color_type, array))
    result = read_picture(tmp_path / "a.png")
    num_colors = 1 if num_channels < 3 else 3
    expected = planes(array, 65535)
    assert torch.equal(result.images[0], expected[:num_colors].expand(3, -1, -1))
    if num_channels in (2, 4):
        assert torch.equal(result.frames[0].alpha, expected[-1:])
    else:
        assert result.frames[0].alpha is None
    assert (result.bit_depth, result.is_gray) == (16, num_colors == 1)


@pytest.mark.parametrize(("color_type", "num_channels"), [(0, 1), (2, 3)])
def test_16_bit_png_with_a_transparent_colour(tmp_path, color_type, num_channels):
    array = noise(3, 4, num_channels, dtype=np.uint16)
    (tmp_path / "a.png").write_bytes(png16(color_type, array, extra=array[1, 2].astype(">u2").tobytes()))
    alpha = read_picture(tmp_path / "a.png").frames[0].alpha
    expected = torch.ones(1, 3, 4)
    expected[0, 1, 2] = 0
    assert torch.equal(alpha, expected)


def test_16_bit_png_is_turned_upright_too(tmp_path):
    array = noise(4, 6, 3, dtype=np.uint16)
    data = png16(2, array)
    exif = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    chunk = struct.pack(">I", len(exif)) + b"eXIf" + exif + struct.pack(">I", zlib.crc32(b"eXIf" + exif))
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])
    assert torch.equal(read_picture(tmp_path / "a.png").images[0], planes(array, 65535).rot90(-1, (1, 2)))


@pytest.mark.parametrize(
    ("shape", "dtype", "depth"),
    [((5, 7), np.uint8, 8), ((5, 7, 3), np.uint8, 8), ((5, 7), np.uint16, 16), ((5, 7, 3), np.uint16, 16)],
)
def test_tiff_keeps_its_depth(tmp_path, shape, dtype, depth):
    array = noise(*shape, dtype=dtype)
    stored = cv2.imencode(".tiff", bgr(array) if array.ndim == 3 else array)[1]
    (tmp_path / "a.tif").write_bytes(stored.tobytes())
    result = read_picture(tmp_path / "a.tif")
    assert (result.bit_depth, result.is_gray, result.source_format) == (depth, array.ndim == 2, "TIFF")
    expected = planes(array if array.ndim == 3 else array[..., None], 2**depth - 1)
    assert torch.equal(result.images[0], expected.expand(3, -1, -1))


def test_floating_point_tiff_is_taken_as_it_is(tmp_path):
    array = np.random.default_rng(0).random((5, 7), np.float32)
    Image.fromarray(array).save(tmp_path / "a.tif")
    result = read_picture(tmp_path / "a.tif")
    assert result.bit_depth == 32 and result.is_gray
    assert torch.equal(result.images[0][1], torch.from_numpy(array))
    Image.fromarray(array * 255).save(tmp_path / "b.tif")
    with pytest.raises(InputError, match=r"b\.tif.*scale them"):
        read_picture(tmp_path / "b.tif")


def plain_tiff(samples, photometric):
    """An unpacked gray TIFF. samples: (H, W, C)."""
    height, width, num_channels = samples.shape
    tags = ImageFileDirectory_v2()
    tags[256], tags[257], tags[259], tags[262], tags[273] = width, height, 1, photometric, 0
    tags[258] = (8 * samples.itemsize,) * num_channels
    tags[277], tags[278], tags[279] = num_channels, height, samples.nbytes
    stream = io.BytesIO()
    stream.write(b"II*\0\x08\0\0\0")
    tags.save(stream)
    return stream.getvalue() + samples.tobytes()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_whose_zero_is_white_is_no_negative(tmp_path, dtype):
    array = noise(5, 7, 1, dtype=dtype)
    (tmp_path / "a.tif").write_bytes(plain_tiff(np.iinfo(dtype).max - array, photometric=0))
    depth = 8 * array.itemsize
    np.testing.assert_array_equal(to_array(read_picture(tmp_path / "a.tif").images[0], depth)[..., :1], array)


def test_thumbnails_are_not_pages(tmp_path):
    pages = [Image.fromarray(noise(4, 4, seed=seed)) for seed in range(2)]
    pages[1].encoderinfo = {"tiffinfo": {254: 1}}
    pages[0].save(tmp_path / "b.tif", save_all=True, append_images=pages[1:])
    with Image.open(tmp_path / "b.tif") as stored:
        stored.seek(1)
        if stored.tag_v2.get(254) != 1:
            pytest.skip("this Pillow does not write tags page by page")
    picture = read_picture(tmp_path / "b.tif")
    assert len(picture.frames) == 1
    np.testing.assert_array_equal(to_array(picture.images[0])[..., 0], noise(4, 4))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_gives_its_pages_of_any_size_one_by_one(tmp_path, dtype):
    pages = [noise(4 + n, 9 - n, 3, dtype=dtype, seed=n) for n in range(4)]
    cv2.imwritemulti(str(tmp_path / "a.tif"), [bgr(page) for page in pages])
    with open_picture(tmp_path / "a.tif") as file:
        assert (file.num_frames, file.is_paged, file.size) == (4, True, (4, 9))
        assert file.num_pixels == sum(page[..., 0].size for page in pages)
        for _ in range(2):  # as often as one likes
            for page, frame in zip(pages, file.frames(), strict=True):
                np.testing.assert_array_equal(to_array(frame.image, 8 * page.itemsize), page)
                assert frame.duration_ms is None


def test_pages_of_several_kinds_keep_what_each_has(tmp_path):
    deep, gray, clear = noise(5, 7, 3, dtype=np.uint16), noise(5, 7), noise(5, 7, 4)
    cv2.imwritemulti(str(tmp_path / "a.tif"), [bgr(deep), gray, bgr(clear)])
    with open_picture(tmp_path / "a.tif") as file:
        assert (file.info.is_gray, file.info.bit_depth, file.has_alpha) == (False, 16, True)
        frames = list(file.frames())
    np.testing.assert_array_equal(to_array(frames[0].image, 16), deep)
    np.testing.assert_array_equal(to_array(frames[1].image)[..., 0], gray)
    np.testing.assert_array_equal(to_array(frames[2].image), clear[..., :3])
    assert [float(frame.alpha.min()) == 1 for frame in frames] == [True, True, False]


@pytest.mark.parametrize("compression", [1, 5, 8])  # none, LZW, Deflate
def test_pages_after_one_that_pillow_cannot_open(tmp_path, compression):
    deep = np.random.default_rng(0).random((4, 6, 3), dtype=np.float32)
    gray, clear = noise(5, 7), noise(5, 7, 4)
    path, options = str(tmp_path / "a.tif"), [cv2.IMWRITE_TIFF_COMPRESSION, compression]
    cv2.imwritemulti(path, [bgr(deep), gray, bgr(clear)], options)
    with pytest.raises(OSError, match="cannot identify"), Image.open(path):
        pass
    with open_picture(path) as file:
        assert (file.num_frames, file.info.bit_depth, file.has_alpha) == (3, 32, True)
        frames = list(file.frames())
    np.testing.assert_array_equal(to_array(frames[0].image, 32), deep)
    np.testing.assert_array_equal(to_array(frames[1].image)[..., 0], gray)
    np.testing.assert_array_equal(to_array(frames[2].image), clear[..., :3])


def test_pages_of_a_big_tiff(tmp_path):
    pages = [Image.fromarray(noise(4, 6, 3, seed=seed)) for seed in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:], big_tiff=True)
    if (tmp_path / "a.tif").read_bytes()[2] != 43:
        pytest.skip("this Pillow does not write BigTIFF")
    for page, image in zip(pages, read_picture(tmp_path / "a.tif").images, strict=True):
        np.testing.assert_array_equal(to_array(image), np.asarray(page))


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_facts_come_before_the_frames(tmp_path, suffix):
    stills = [Image.fromarray(noise(12, 16, 3, seed=seed)) for seed in range(5)]
    options = {} if suffix == ".tif" else {"duration": 50}
    stills[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=stills[1:], **options)
    whole = read_picture(tmp_path / f"a{suffix}")
    with open_picture(tmp_path / f"a{suffix}") as file:
        assert (file.num_frames, file.size, file.num_pixels) == (5, (12, 16), 5 * 12 * 16)
        assert file.has_alpha == (whole.frames[0].alpha is not None)
        assert vars(file.info) == {name: value for name, value in vars(whole).items() if name != "frames"}
        for frame, other in zip(file.frames(), whole.frames, strict=True):
            assert torch.equal(frame.image, other.image) and frame.duration_ms == other.duration_ms


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_reading_keeps_no_frame(tmp_path, suffix):
    stills = [Image.fromarray(noise(12, 16, 3, seed=seed)) for seed in range(9)]
    options = {} if suffix == ".tif" else {"duration": 50}
    stills[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=stills[1:], **options)
    alive = weakref.WeakSet()
    with open_picture(tmp_path / f"a{suffix}") as file:
        for frame in file.frames():
            alive.add(frame.image)
            del frame
            assert len(alive) == 0


def test_the_limit_counts_all_frames_where_one_is_given(tmp_path, monkeypatch):
    stills = [Image.fromarray(noise(10, 10, seed=seed)) for seed in range(4)]
    for suffix in (".gif", ".tif"):
        stills[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=stills[1:])
        monkeypatch.setattr(guard, "MAX_PIXELS", 100)
        with open_picture(tmp_path / f"a{suffix}") as file:
            assert file.num_frames == 4
        for read in (read_picture, lambda path: open_picture(path, 399)):
            with pytest.raises(InputError, match="million pixels"):
                read(tmp_path / f"a{suffix}")


def test_damage_in_the_middle_is_told_when_it_is_reached(tmp_path):
    stills = [Image.fromarray(noise(32, 32, 3, seed=seed)) for seed in range(4)]
    stills[0].save(tmp_path / "a.tif", save_all=True, append_images=stills[1:], compression="tiff_deflate")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with Image.open(tmp_path / "a.tif") as stored:
        stored.seek(2)
        (start,) = stored.tag_v2[273]
    data[start : start + 200] = bytes(200)
    (tmp_path / "a.tif").write_bytes(data)
    with open_picture(tmp_path / "a.tif") as file:
        frames = file.frames()
        next(frames), next(frames)
        with pytest.raises(InputError, match=r"a\.tif.*damaged"):
            next(frames)


def test_cmyk_jpeg_becomes_rgb_and_loses_its_print_profile(tmp_path):
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    ink.save(tmp_path / "a.jpg", icc_profile=b"x" * 16 + b"CMYK" + b"x" * 108)
    result = read_picture(tmp_path / "a.jpg")
    assert result.icc_profile is None and not result.is_gray
    assert to_array(result.images[0])[8, 8] == pytest.approx([255, 0, 0], abs=3)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
@pytest.mark.parametrize("transparent", [False, True])
def test_animations_give_all_frames(tmp_path, suffix, transparent):
    colors = [(200, 0, 0, 255), (0, 200, 0, 255), (0, 0, 200, 255)]
    stills = [Image.new("RGBA", (16, 12), color) for color in colors]
    if transparent:
        for index, still in enumerate(stills):
            still.paste((0, 0, 0, 0), (3 * index, 0, 3 * index + 3, 12))
    else:
        stills = [still.convert("RGB") for still in stills]
    options = {"lossless": True} if suffix == ".webp" else {"disposal": 2}
    path = tmp_path / f"a{suffix}"
    stills[0].save(path, save_all=True, append_images=stills[1:], duration=[100, 200, 300], loop=0, **options)
    result = read_picture(path)
    assert len(result.frames) == 3 and result.is_animated and result.loop == 0
    assert [frame.duration_ms for frame in result.frames] == [100, 200, 300]
    for frame, color in zip(result.frames, colors, strict=True):
        assert to_array(frame.image)[6, 12].tolist() == list(color[:3])
    if transparent:
        assert all(frame.alpha is not None for frame in result.frames)
        assert [float(frame.alpha[0, 6, 4]) for frame in result.frames] == [1, 0, 1]
    else:
        assert all(frame.alpha is None or bool((frame.alpha == 1).all()) for frame in result.frames)


def test_the_still_before_an_animation_is_not_a_frame_of_it(tmp_path):
    stills = [Image.new("L", (4, 4), level) for level in (0, 100, 200)]
    stills[0].save(tmp_path / "a.png", save_all=True, append_images=stills[1:], default_image=True, duration=50)
    result = read_picture(tmp_path / "a.png")
    assert [round(float(image.mean()) * 255) for image in result.images] == [100, 200]


@pytest.mark.parametrize(("stored", "plays"), [(None, 1), (0, 0), (2, 3)])
def test_loops_of_a_gif_are_counted_as_times_it_plays(tmp_path, stored, plays):
    stills = [Image.new("L", (4, 4), level) for level in (0, 200)]
    options = {} if stored is None else {"loop": stored}
    stills[0].save(tmp_path / "a.gif", save_all=True, append_images=stills[1:], duration=50, **options)
    assert read_picture(tmp_path / "a.gif").loop == plays


def test_of_a_multi_picture_jpeg_the_first_is_used(tmp_path):
    stills = [Image.new("RGB", (16, 16), color) for color in ("red", "blue")]
    stills[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=stills[1:])
    result = read_picture(tmp_path / "a.jpg")
    assert len(result.frames) == 1 and result.source_format == "JPEG"
    assert to_array(result.images[0])[8, 8] == pytest.approx([255, 0, 0], abs=3)


def test_comments_are_kept(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", comment=b"hello")
    assert read_picture(tmp_path / "a.jpg").text == {"comment": "hello"}


@pytest.mark.parametrize(("name", "content", "message"), [
    ("missing.png", None, "no such file"),
    ("empty.png", b"", "empty"),
    ("text.png", b"this is not a picture at all", "not a picture"),
    ("tiff.tif", b"II*\0\x08\0\0\0", "damaged|no picture"),
    ("photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "HEIC|damaged"),
    ("film.MOV", b"\0\0\0\x14ftypqt  " + bytes(64), "ffmpeg"),
    ("photo.cr3", b"\0\0\0\x18ftypcrx " + bytes(64), "develop"),
])  # fmt: skip
def test_what_cannot_be_read_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_picture(tmp_path / name)
    assert name in str(caught.value)


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(InputError, match="folder"):
        read_picture(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".gif", "16.png", "16.tif"])
def test_cut_off_files_are_refused(tmp_path, suffix):
    array = noise(64, 64, 3, dtype=np.uint16 if suffix.startswith("16") else np.uint8)
    if suffix.startswith("16"):
        data = cv2.imencode(suffix[2:], array)[1].tobytes()
    else:
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, {".jpg": "JPEG", ".tif": "TIFF"}.get(suffix, suffix[1:].upper()))
        data = buffer.getvalue()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="cut"):
        read_picture(path)


@pytest.mark.filterwarnings("ignore")  # Pillow says what it finds odd
def test_damaged_bytes_never_escape_as_other_errors(tmp_path):
    random = np.random.default_rng(0)
    buffer = io.BytesIO()
    for format in ("PNG", "JPEG", "WEBP", "TIFF", "GIF"):
        buffer.seek(0)
        buffer.truncate()
        Image.fromarray(noise(24, 24, 3)).save(buffer, format)
        for _ in range(25):
            data = bytearray(buffer.getvalue())
            for position in random.integers(0, len(data), 6):
                data[position] = random.integers(0, 256)
            path = tmp_path / "a.bin"
            path.write_bytes(data)
            message = ""
            try:
                read_picture(path)
            except InputError as error:
                message = str(error)
            assert not message or "a.bin" in message


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotImplementedError("BC7"), "cannot be read here (BC7)"),
        (RuntimeError("avif: \x1b"), "damaged or cut off (avif: \\x1b)"),
        (OSError(5, "Input/output error"), "cannot be read (Input/output error)"),
    ],
)
def test_whatever_a_decoder_raises_names_the_file(tmp_path, monkeypatch, error, text):
    def fail(*_):
        raise error

    Image.fromarray(noise(8, 8, 3)).save(tmp_path / "a.png")
    monkeypatch.setattr("vqfr_core.pictures.pillow_file.kind_of_pil", fail)
    with pytest.raises(InputError, match=rf"a\.png: .*{re.escape(text)}"):
        read_picture(tmp_path / "a.png")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_pixel_limit_is_raised_and_put_back(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    Image.fromarray(noise(20, 20, 3)).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").images[0].shape == (3, 20, 20)
    assert Image.MAX_IMAGE_PIXELS == 50
    monkeypatch.setattr(guard, "MAX_PIXELS", 399)
    for suffix in (".png", ".tif"):
        Image.fromarray(noise(20, 20, 3)).save(tmp_path / f"big{suffix}")
        with pytest.raises(InputError, match="million pixels"):
            read_picture(tmp_path / f"big{suffix}")
    assert Image.MAX_IMAGE_PIXELS == 50


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    data = bytearray(png16(0, noise(1, 1, 1, dtype=np.uint16)))
    data[16:24] = struct.pack(">II", 60000, 60000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "bomb.png").write_bytes(data)
    with pytest.raises(InputError, match="500 million pixels"):
        read_picture(tmp_path / "bomb.png")


def test_more_frames_than_any_film_are_refused(tmp_path):
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    for number, fits in ((3, True), (100_001, False)):
        (tmp_path / "a.gif").write_bytes(head + frame * number + b";")
        if fits:
            assert len(read_picture(tmp_path / "a.gif").frames) == number
        else:
            with pytest.raises(InputError, match="more than 100,000 frames"):
                read_picture(tmp_path / "a.gif")


def test_a_jpeg_that_is_decoded_over_and_over_is_refused(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(noise(16, 16)).save(path, progressive=True)
    good = path.read_bytes()
    last = good[good.rindex(b"\xff\xda") : -2]
    for scans, fits in ((50, True), (100, False)):
        path.write_bytes(good[:-2] + last * scans + good[-2:])
        if fits:
            read_picture(path)
        else:
            with pytest.raises(InputError, match="more than 100 scans"):
                read_picture(path)


@pytest.mark.skipif(not features.check("avif") if "avif" in features.modules else True, reason="Pillow without AVIF")
def test_avif_is_read(tmp_path):
    Image.new("RGB", (16, 16), (200, 100, 50)).save(tmp_path / "a.avif")
    result = read_picture(tmp_path / "a.avif")
    assert to_array(result.images[0])[8, 8] == pytest.approx([200, 100, 50], abs=4)


@pytest.mark.skipif(not features.check("avif") if "avif" in features.modules else True, reason="Pillow without AVIF")
def test_a_damaged_avif_is_named(tmp_path):
    path = tmp_path / "a.avif"
    Image.fromarray(noise(32, 32, 3)).save(path)
    good = path.read_bytes()
    for damaged in (good[:-200], good.replace(b"iloc", b"ilox"), good[: len(good) // 3]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"a\.avif"):
            read_picture(path)


def test_a_small_file_that_claims_a_huge_picture_is_refused(tmp_path):
    (tmp_path / "a.gif").write_bytes(b"GIF89a" + struct.pack("<HHBBB", 20000, 20000, 0x80, 0, 0) + bytes(6) + b";")
    head = struct.pack(">IIBBBBB", 20000, 20000, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(100))
    chunks = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", head), (b"IDAT", pixels), (b"IEND", b""))
    )
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    Image.new("1", (64, 64)).save(tmp_path / "c.tif")
    stored = bytearray((tmp_path / "c.tif").read_bytes())
    for tag in (256, 257):
        at = stored.index(struct.pack("<HHI", tag, 3, 1)) if struct.pack("<HHI", tag, 3, 1) in stored else None
        at = stored.index(struct.pack("<HHI", tag, 4, 1)) if at is None else at
        struct.pack_into("<HHII", stored, at, tag, 4, 1, 20000)
    (tmp_path / "c.tif").write_bytes(stored)
    for name in ("a.gif", "b.png", "c.tif"):
        with pytest.raises(InputError, match=rf"{name}.*claims 400 million pixels|{name}.*damaged"):
            read_picture(tmp_path / name)


def test_a_plain_picture_of_many_pixels_is_believed(tmp_path):
    Image.new("1", (6000, 6000)).save(tmp_path / "a.png", optimize=True)
    with open_picture(tmp_path / "a.png") as file:
        assert file.num_pixels == 36_000_000


def test_a_film_behind_a_photograph_is_no_scan(tmp_path):
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "a.jpg")
    with (tmp_path / "a.jpg").open("ab") as file:
        file.write(b"\xff\xda\0\x08" * 200)
    assert read_picture(tmp_path / "a.jpg").images[0].shape == (3, 48, 64)


def test_a_large_blank_fax_is_read(tmp_path):
    Image.new("1", (6000, 9000), 1).save(tmp_path / "a.tif", compression="group4")
    with open_picture(tmp_path / "a.tif") as file:
        assert file.size == (9000, 6000)


def test_tags_that_share_bytes_are_refused(tmp_path):
    Image.new("L", (64, 48)).save(tmp_path / "a.tif")
    data = bytearray((tmp_path / "a.tif").read_bytes())
    start = int.from_bytes(data[4:8], "little")
    number = int.from_bytes(data[start : start + 2], "little")
    entries = bytes(data[start + 2 : start + 2 + 12 * number])
    shared = b"".join(struct.pack("<HHII", 60000 + i, 7, 1000, 8) for i in range(50))
    data[4:8] = len(data).to_bytes(4, "little")
    data += struct.pack("<H", number + 50) + entries + shared + bytes(4)
    (tmp_path / "a.tif").write_bytes(data)
    with pytest.raises(InputError, match=r"a\.tif: its tags claim 5\d,\d{3} bytes"):
        open_picture(tmp_path / "a.tif")


def test_a_tiff_of_endless_directories_is_refused(tmp_path):
    directory = struct.pack("<H", 0)
    chain = b"".join(directory + struct.pack("<I", 8 + 6 * (number + 1)) for number in range(20_000))
    (tmp_path / "a.tif").write_bytes(b"II*\0\x08\0\0\0" + chain)
    with pytest.raises(InputError, match=r"a\.tif.*pages"):
        read_picture(tmp_path / "a.tif")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png.*regular file"):
        read_picture(tmp_path / "a.png")


def test_a_later_gif_frame_may_not_be_huge(tmp_path):
    small, large = Image.new("P", (20, 20)), Image.new("P", (20, 20), 1)
    small.save(tmp_path / "a.gif", save_all=True, append_images=[large])
    stored = bytearray((tmp_path / "a.gif").read_bytes())
    place = stored.rindex(b"," + struct.pack("<HHHH", 0, 0, 20, 20))
    stored[place + 5 : place + 9] = struct.pack("<HH", 400, 300)
    (tmp_path / "a.gif").write_bytes(stored)
    with pytest.raises(InputError, match=r"a\.gif: has more than 0\.01 million pixels"):
        read_picture(tmp_path / "a.gif", 10_000)


def test_no_more_is_read_than_a_file_has(tmp_path):
    (tmp_path / "a").write_bytes(b"abcdef")
    with WholeFile(tmp_path / "a") as file:
        assert file.read(4) + file.read(1 << 60) == b"abcdef" and file.read() == b""
