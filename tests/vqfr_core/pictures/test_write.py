import dataclasses
import struct
import weakref

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, features

from vqfr_core.errors import InputError
from vqfr_core.pictures import png16
from vqfr_core.pictures.convert import to_array
from vqfr_core.pictures.picture import Frame, Picture, PictureInfo
from vqfr_core.pictures.read import open_picture, read_picture
from vqfr_core.pictures.write import WRITABLE_SUFFIXES, write_frames, write_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY_PROFILE = SRGB[:16] + b"GRAY" + SRGB[20:]
EXIF = b"II*\0\x08\0\0\0" + struct.pack("<HHHI4sI", 1, 0x010F, 2, 4, b"Abc\0", 0)
TEXT = {"parameters": "a portrait\nSteps: 20", "prompt": "größer 顔"}


def levels(depth, num_channels=3, height=6, width=9, seed=0):
    """Random values that a file of this depth can hold exactly, (C, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    if depth == 32:
        return torch.rand(num_channels, height, width, generator=generator)
    maximum = 2**depth - 1
    return torch.randint(0, maximum + 1, (num_channels, height, width), generator=generator) / maximum


def picture_of(depth=8, gray=False, alpha=False, **changes):
    image = levels(depth, 1).repeat(3, 1, 1) if gray else levels(depth)
    frame = Frame(image, levels(depth, 1, seed=1) if alpha else None)
    return dataclasses.replace(Picture([frame], is_gray=gray, bit_depth=depth), **changes)


def smooth(height=48, width=64):
    x = torch.linspace(0, 1, width).expand(height, width)
    y = torch.linspace(0, 1, height)[:, None].expand(height, width)
    return torch.stack([x, y, 1 - x])


def animation(num_frames=3, alpha=False):
    frames = []
    for index in range(num_frames):
        image = torch.zeros(3, 12, 16)
        image[index] = 200 / 255
        opacity = torch.ones(1, 12, 16)
        opacity[..., 3 * index : 3 * index + 3] = 0
        frames.append(Frame(image, opacity if alpha else None, 100.0 * (index + 1)))
    return Picture(frames)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("gray", [False, True])
@pytest.mark.parametrize(
    ("suffix", "depth"), [(".png", 8), (".png", 16), (".tif", 8), (".tiff", 16), (".TIF", 32), (".PNG", 8)]
)
def test_lossless_files_come_back_exactly(tmp_path, suffix, depth, gray, alpha):
    picture = picture_of(depth, gray, alpha)
    path = tmp_path / f"a{suffix}"
    write_picture(picture, path)
    again = read_picture(path)
    assert torch.equal(again.images[0], picture.images[0])
    assert again.bit_depth == depth
    # Deep gray with transparency becomes colours in TIFF: hardly a program would read it otherwise.
    assert again.is_gray == (gray and not (alpha and depth > 8 and suffix != ".png"))
    if alpha:
        assert torch.equal(again.frames[0].alpha, picture.frames[0].alpha)
    else:
        assert again.frames[0].alpha is None


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("num_channels", [1, 3, 4])
def test_other_programs_read_our_16_bit_files(tmp_path, suffix, num_channels):
    picture = picture_of(16, gray=num_channels == 1, alpha=num_channels == 4)
    path = tmp_path / f"a{suffix}"
    write_picture(picture, path)
    decoded = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    expected = to_array(picture.images[0], 16)
    if num_channels == 1:
        np.testing.assert_array_equal(decoded, expected[..., 0])
    else:
        np.testing.assert_array_equal(decoded[..., 2::-1], expected)
    with Image.open(path) as opened:
        opened.load()
        assert opened.size == (9, 6)
        if num_channels == 3:
            difference = np.array(opened).astype(int) * 257 - expected
            assert abs(difference).max() <= 257


@pytest.mark.parametrize("depth", [8, 16])
def test_large_png_is_written_in_pieces(tmp_path, depth):
    image = levels(depth, height=700, width=500)
    write_picture(Picture([Frame(image)], bit_depth=depth), tmp_path / "a.png")
    assert torch.equal(read_picture(tmp_path / "a.png").images[0], image)


@pytest.mark.parametrize(
    ("suffix", "depth"), [(".png", 8), (".png", 16), (".jpg", 8), (".tif", 8), (".tif", 16), (".webp", 8)]
)
def test_what_belongs_to_the_picture_goes_along(tmp_path, suffix, depth):
    picture = picture_of(depth, icc_profile=SRGB, exif=EXIF, text=TEXT, dpi=(300.0, 150.0))
    write_picture(picture, tmp_path / f"a{suffix}")
    again = read_picture(tmp_path / f"a{suffix}")
    assert again.icc_profile == SRGB
    exif = Image.Exif()
    exif.load(again.exif)
    assert exif[0x010F].strip("\0") == "Abc"
    if suffix != ".tif":
        assert again.exif == EXIF
    if suffix != ".webp":
        assert again.dpi == pytest.approx((300, 150), abs=0.02)
    if suffix == ".png":
        assert dict(again.text) == TEXT


def test_camera_tags_survive_from_jpeg_to_tiff_and_back(tmp_path):
    exif = Image.Exif()
    exif[0x0110] = "Model"
    exif[0x0112] = 6
    exif[0x8769] = {0x9003: "2020:01:02 03:04:05"}
    Image.new("RGB", (8, 4)).save(tmp_path / "a.jpg", exif=exif)
    first = read_picture(tmp_path / "a.jpg")
    write_picture(first, tmp_path / "a.tif")
    second = read_picture(tmp_path / "a.tif")
    write_picture(second, tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as last:
        assert last.size == (4, 8)
        assert last.getexif()[0x0110] == "Model"
        assert last.getexif().get(0x0112, 1) == 1
        assert last.getexif().get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"


def test_comments_survive_in_jpeg_and_gif(tmp_path):
    for suffix in (".jpg", ".gif"):
        write_picture(picture_of(text={"comment": "größer"}), tmp_path / f"a{suffix}")
        assert read_picture(tmp_path / f"a{suffix}").text == {"comment": "größer"}


@pytest.mark.parametrize(
    ("suffix", "mode"), [(".png", "L"), (".jpg", "L"), (".tif", "L"), (".bmp", "L"), (".webp", "RGB")]
)
def test_gray_stays_gray(tmp_path, suffix, mode):
    write_picture(picture_of(gray=True, icc_profile=GRAY_PROFILE), tmp_path / f"a{suffix}")
    with Image.open(tmp_path / f"a{suffix}") as stored:
        assert stored.mode == mode
        if suffix == ".webp":
            assert not stored.info.get("icc_profile"), "a gray profile does not fit colours"
        elif suffix != ".bmp":
            assert stored.info["icc_profile"] == GRAY_PROFILE


def test_colours_painted_into_a_gray_picture_become_their_brightness(tmp_path):
    picture = picture_of(32, gray=True)
    painted = picture.images[0].clone()
    painted[:, 0, 0] = torch.tensor([1.0, 0.0, 0.0])
    write_picture(picture.with_images([painted]), tmp_path / "a.tif")
    again = read_picture(tmp_path / "a.tif").images[0]
    assert float(again[0, 0, 0]) == pytest.approx(0.299)
    assert torch.equal(again[:, 1:], picture.images[0][:, 1:])


@pytest.mark.parametrize(
    ("suffix", "depth", "stored"),
    [(".png", 32, 16), (".jpg", 16, 8), (".jpg", 32, 8), (".bmp", 16, 8), (".webp", 16, 8)],
)
def test_depth_falls_to_what_the_format_has(tmp_path, suffix, depth, stored):
    write_picture(picture_of(depth), tmp_path / f"a{suffix}")
    assert read_picture(tmp_path / f"a{suffix}").bit_depth == stored


def test_jpeg_has_full_colour_resolution_and_the_quality_asked_for(tmp_path):
    sizes = []
    for quality in (60, 95):
        write_picture(Picture([Frame(smooth())]), tmp_path / "a.jpg", quality=quality)
        with Image.open(tmp_path / "a.jpg") as stored:
            assert {(part[1], part[2]) for part in stored.layer} == {(1, 1)}
        sizes.append((tmp_path / "a.jpg").stat().st_size)
    assert sizes[0] < sizes[1]
    assert (read_picture(tmp_path / "a.jpg").images[0] - smooth()).abs().max() < 0.04


def test_webp_of_quality_100_is_lossless(tmp_path):
    write_picture(picture_of(alpha=True), tmp_path / "a.webp", quality=100)
    again = read_picture(tmp_path / "a.webp")
    assert torch.equal(again.images[0], picture_of(alpha=True).images[0])
    assert torch.equal(again.frames[0].alpha, picture_of(alpha=True).frames[0].alpha)


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_without_alpha_the_picture_lies_on_white(tmp_path, suffix):
    alpha = torch.ones(1, 16, 16)
    alpha[..., :8] = 0
    write_picture(Picture([Frame(torch.zeros(3, 16, 16), alpha)]), tmp_path / f"a{suffix}")
    shown = to_array(read_picture(tmp_path / f"a{suffix}").images[0])
    assert shown[8, 2].tolist() == [255, 255, 255] and shown[8, 13].tolist() == [0, 0, 0]


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_animations_stay_animated(tmp_path, suffix, alpha):
    picture = dataclasses.replace(animation(alpha=alpha), loop=2)
    write_picture(picture, tmp_path / f"a{suffix}", quality=100)
    again = read_picture(tmp_path / f"a{suffix}")
    assert [frame.duration_ms for frame in again.frames] == [100, 200, 300]
    assert again.loop == 2
    for before, after in zip(picture.frames, again.frames, strict=True):
        visible = torch.ones(12, 16, dtype=torch.bool) if before.alpha is None else before.alpha[0] > 0
        assert torch.equal(after.image[:, visible], before.image[:, visible])
        if alpha:
            assert torch.equal(after.alpha, before.alpha)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("depth", [8, 16, 32])
def test_pages_of_different_sizes_come_back_exactly(tmp_path, depth, alpha):
    pages = [
        Frame(levels(depth, 3, 6 + n, 9 - n, seed=n), levels(depth, 1, 6 + n, 9 - n, seed=9) if alpha else None)
        for n in range(4)
    ]
    picture = Picture(pages, bit_depth=depth, icc_profile=SRGB, exif=EXIF, dpi=(300.0, 150.0))
    write_picture(picture, tmp_path / "a.tif")
    again = read_picture(tmp_path / "a.tif")
    assert (again.bit_depth, again.icc_profile, again.dpi) == (depth, SRGB, (300.0, 150.0))
    for before, after in zip(pages, again.frames, strict=True):
        assert torch.equal(after.image, before.image)
        assert after.alpha is None if before.alpha is None else torch.equal(after.alpha, before.alpha)
    stored = cv2.imreadmulti(str(tmp_path / "a.tif"), flags=cv2.IMREAD_UNCHANGED)[1]
    assert [page.shape[:2] for page in stored] == [tuple(page.image.shape[1:]) for page in pages]
    if depth == 8:
        with Image.open(tmp_path / "a.tif") as opened:
            assert opened.n_frames == 4


class Film:
    """Frames made one at a time; it counts those that are alive."""

    def __init__(self, num_frames, fail_at=None, duration_ms=100.0):
        self.num_frames, self.fail_at, self.duration_ms = num_frames, fail_at, duration_ms
        self.alive, self.most_alive, self.num_made = weakref.WeakSet(), 0, 0

    def make(self, number):
        if number == self.fail_at:
            raise OSError("the source fell ill")
        image = levels(8, height=12, width=16, seed=number)
        self.alive.add(image)
        self.num_made += 1
        self.most_alive = max(self.most_alive, len(self.alive))
        return Frame(image, None, self.duration_ms and self.duration_ms + 10 * number)

    def frames(self):
        for number in range(self.num_frames):
            yield self.make(number)


HAS_AVIF = "avif" in features.modules and features.check("avif")
FILMS = [".gif", ".png", ".webp", ".tif"] + ([".avif"] if HAS_AVIF else [])


@pytest.mark.parametrize("suffix", FILMS)
def test_a_long_film_is_written_with_one_frame_in_memory(tmp_path, suffix):
    film = Film(40, duration_ms=None if suffix == ".tif" else 100.0)
    write_frames(film.frames(), tmp_path / f"a{suffix}", PictureInfo(loop=2), num_frames=40, quality=100)
    assert (film.num_made, film.most_alive) == (40, 1)
    with open_picture(tmp_path / f"a{suffix}") as file:
        assert file.num_frames == 40
        if suffix != ".tif":
            assert [frame.duration_ms for frame in file.frames()] == [100 + 10 * number for number in range(40)]
        if suffix in (".png", ".tif", ".webp"):
            assert all(torch.equal(f.image, film.make(n).image) for n, f in enumerate(file.frames()))


@pytest.mark.parametrize("suffix", [".webp", ".tif"])
def test_frames_are_pulled_as_they_are_written(tmp_path, suffix):
    """The writers of GIF and PNG gather their 8-bit frames first."""
    sizes = []

    def frames():
        for frame in Film(12, duration_ms=None if suffix == ".tif" else 100.0).frames():
            (draft,) = tmp_path.iterdir()
            sizes.append(draft.stat().st_size)
            yield frame

    write_frames(frames(), tmp_path / f"a{suffix}", PictureInfo(), num_frames=12)
    assert len(sizes) == 12


@pytest.mark.parametrize("suffix", FILMS)
@pytest.mark.parametrize("num_frames", [2, 4])
def test_another_number_of_frames_than_announced_is_refused(tmp_path, suffix, num_frames):
    film = Film(num_frames, duration_ms=None if suffix == ".tif" else 100.0)
    with pytest.raises(InputError, match="announced"):
        write_frames(film.frames(), tmp_path / f"a{suffix}", PictureInfo(), num_frames=3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FILMS)
def test_a_failure_in_the_middle_is_passed_on_and_leaves_nothing(tmp_path, suffix):
    film = Film(5, fail_at=3, duration_ms=None if suffix == ".tif" else 100.0)
    with pytest.raises(OSError, match=r"^the source fell ill$"):
        write_frames(film.frames(), tmp_path / f"a{suffix}", PictureInfo(), num_frames=5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_a_film_of_equal_frames_is_written(tmp_path, suffix):
    frame = Frame(levels(8, height=12, width=16), None, 100.0)
    write_frames(iter([frame] * 3), tmp_path / f"a{suffix}", PictureInfo(), num_frames=3, quality=100)
    assert read_picture(tmp_path / f"a{suffix}").images[0].shape == (3, 12, 16)


def test_all_frames_get_an_alpha_when_one_has_it(tmp_path):
    frames = [animation().frames[0], animation(alpha=True).frames[1]]
    write_picture(Picture(frames), tmp_path / "a.png")
    assert torch.equal(read_picture(tmp_path / "a.png").frames[1].alpha, frames[1].alpha)
    with pytest.raises(InputError, match="only some frames"):
        write_frames(frames, tmp_path / "b.png", PictureInfo(), num_frames=2)


def test_a_gif_that_plays_once_stays_so(tmp_path):
    write_picture(dataclasses.replace(animation(), loop=1), tmp_path / "a.gif")
    assert read_picture(tmp_path / "a.gif").loop == 1


def test_an_animation_keeps_its_text_and_profile(tmp_path):
    picture = dataclasses.replace(animation(), text=TEXT, icc_profile=SRGB, exif=EXIF)
    write_picture(picture, tmp_path / "a.png")
    again = read_picture(tmp_path / "a.png")
    assert (dict(again.text), again.icc_profile, again.exif) == (TEXT, SRGB, EXIF)


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".bmp"])
def test_stills_do_not_swallow_animations(tmp_path, suffix):
    with pytest.raises(InputError, match=r"animation.*\.gif"):
        write_picture(animation(), tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "message"), [("a.xyz", "suffix"), ("a", "suffix"), ("no/a.png", "does not exist")])
def test_where_it_cannot_be_written_is_named(tmp_path, name, message):
    with pytest.raises(InputError, match=message) as caught:
        write_picture(picture_of(), tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_what_cannot_be_written_is_refused(tmp_path):
    bad = picture_of().with_images([torch.full((3, 6, 9), float("nan"))])
    with pytest.raises(InputError, match="NaN"):
        write_picture(bad, tmp_path / "a.png")
    with pytest.raises(InputError, match="16383"):
        write_picture(Picture([Frame(torch.zeros(3, 1, 16384))]), tmp_path / "a.webp")
    with pytest.raises(InputError, match="quality"):
        write_picture(picture_of(), tmp_path / "a.jpg", quality=0)
    uneven = Picture([Frame(torch.zeros(3, 4, 4)), Frame(torch.zeros(3, 4, 5))])
    with pytest.raises(InputError, match="differ in size"):
        write_picture(uneven, tmp_path / "a.gif")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match="a folder has this name"):
        write_picture(picture_of(), tmp_path / "folder.png")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.parametrize("exception", [KeyboardInterrupt, OSError, MemoryError])
@pytest.mark.parametrize("depth", [8, 16])
def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch, exception, depth):
    path = tmp_path / "a.png"
    path.write_bytes(b"the old file")

    def fail(file, *_):
        file.write(b"half of")
        raise exception("now")

    monkeypatch.setattr(png16, "write_png", fail)
    with pytest.raises(InputError if exception is OSError else exception):
        write_picture(picture_of(depth), path)
    assert path.read_bytes() == b"the old file"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_an_old_file_is_replaced_and_a_link_not_followed(tmp_path):
    (tmp_path / "a.png").write_bytes(b"old")
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    write_picture(picture_of(), tmp_path / "link.png")
    assert not (tmp_path / "link.png").is_symlink() and (tmp_path / "a.png").read_bytes() == b"old"
    write_picture(picture_of(), tmp_path / "a.png")
    assert torch.equal(read_picture(tmp_path / "a.png").images[0], picture_of().images[0])


def test_an_exif_block_too_long_for_jpeg_is_left_out_aloud(tmp_path, caplog):
    write_picture(picture_of(exif=EXIF + bytes(70000)), tmp_path / "a.jpg")
    assert read_picture(tmp_path / "a.jpg").exif is None
    assert "does not fit into a JPEG" in caplog.text


def test_reading_and_writing_again_changes_nothing(tmp_path):
    write_picture(picture_of(alpha=True, icc_profile=SRGB, exif=EXIF, text=TEXT, dpi=(72.0, 72.0)), tmp_path / "a.png")
    write_picture(read_picture(tmp_path / "a.png"), tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("suffix", WRITABLE_SUFFIXES)
def test_every_ending_works(tmp_path, suffix):
    if suffix == ".avif" and not HAS_AVIF:
        with pytest.raises(InputError, match="AVIF"):
            write_picture(Picture([Frame(smooth())]), tmp_path / "a.avif")
        return
    write_picture(Picture([Frame(smooth())]), tmp_path / f"a{suffix}")
    difference = (read_picture(tmp_path / f"a{suffix}").images[0] - smooth()).abs().mean()
    assert difference < 0.03
