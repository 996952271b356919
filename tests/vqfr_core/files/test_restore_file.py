"""A file into a file, with a restorer that only makes frames brighter: here it is about files and memory."""

import os
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from vqfr_core.errors import Cancelled, InputError
from vqfr_core.files.outputs import Job, plan_side_files
from vqfr_core.files.reporter import Reporter
from vqfr_core.files.restore_file import restore_file
from vqfr_core.files.side_files import Extras
from vqfr_core.options import RestoreOptions
from vqfr_core.pictures import Frame, Picture, PictureInfo, read_picture, write_frames, write_picture
from vqfr_core.pictures.picture_file import PictureFile
from vqfr_core.pictures.xmp import COMPOSITE
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, ImageFaces, MadeBy

SUFFIXES = [".gif", ".png", ".webp", ".tif"]


class BrightRestorer:
    """Turns each frame with a face, that is every frame whose number is listed, white."""

    def __init__(self, with_face=(), fail_at=None):
        self.with_face, self.fail_at = set(with_face), fail_at
        self.num_seen, self.most_at_once, self.alive = 0, 0, weakref.WeakSet()

    def restore_many(self, images, options, *, progress=None, should_stop=None):
        if should_stop is not None and should_stop():
            raise Cancelled("stopped")
        self.most_at_once = max(self.most_at_once, len(images))
        return [self._restore(image, options) for image in images]

    def _restore(self, image, options):
        number = self.num_seen
        self.num_seen += 1
        if number == self.fail_at:
            raise RuntimeError("the network fell ill")
        has_face = number in self.with_face
        result = torch.ones_like(image) if has_face else image.clone()
        self.alive.add(result)
        detection = FaceDetection(Box(0, 0, 8, 8), (), 1.0)
        crop = FaceCrop(detection, torch.zeros(3, 8, 8), np.eye(2, 3))
        face = Face(detection, number=2, crop=crop, restored=torch.ones(3, 8, 8))
        made_by = MadeBy(model={"name": "bright", "fidelity": options.fidelity})
        found = ImageFaces(image, tuple(image.shape[1:]), (face,) if has_face else (), made_by)
        report = SimpleNamespace(
            faces=[SimpleNamespace(number=2, status="restored")] if has_face else [],
            num_restored=int(has_face),
            notes=["a note"],
            warnings=["face 2: look"] if has_face else [],
            timings_s={"restore": 0.5},
            options={"fidelity": options.fidelity},
            model={"name": "bright"},
            device="cpu",
            precision="fp32",
            summary=lambda: "one frame",
            to_dict=lambda: {"frame": number},
        )
        mask = torch.full_like(image[:1], float(has_face))
        return SimpleNamespace(image=result, mask=mask, faces=found.used, found=found, report=report)


def make_film(path: Path, num_frames: int, sizes=((16, 24),)) -> Path:
    random = np.random.default_rng(0)

    def frames():
        for number in range(num_frames):
            height, width = sizes[number % len(sizes)]
            pixels = torch.from_numpy(random.integers(0, 200, (3, height, width)).astype(np.float32) / 255)
            yield Frame(pixels, None, None if path.suffix == ".tif" else 50.0)

    write_frames(frames(), path, PictureInfo(loop=2), num_frames=num_frames)
    return path


def restore(source, target, restorer, extras=None, options=None, **more):
    job = Job(source, target, Path(target.stem), True)
    return restore_file(job, restorer, options or RestoreOptions(), extras or Extras(), 95, Reporter(), **more)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_all_frames_are_restored_some_at_a_time(tmp_path, suffix):
    source, restorer = make_film(tmp_path / f"a{suffix}", 20), BrightRestorer([3, 17])
    done = restore(source, tmp_path / f"b{suffix}", restorer)
    assert done.line.startswith("20 frames, 2 of 2 faces restored, bright on cpu in fp32, 10.0 s")
    assert [report["frame"] for report in done.reports] == list(range(20))
    before, after = read_picture(source), read_picture(tmp_path / f"b{suffix}")
    assert [frame.duration_ms for frame in after.frames] == [frame.duration_ms for frame in before.frames]
    assert after.loop == before.loop
    assert [round(float(image.mean()), 2) == 1 for image in after.images] == [n in (3, 17) for n in range(20)]
    assert restorer.most_at_once == 8


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_long_film_never_holds_more_than_a_portion(tmp_path, suffix, monkeypatch):
    source = make_film(tmp_path / f"a{suffix}", 60)
    alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()
    most: list[int] = []
    decode = PictureFile._frame

    def counted(self: PictureFile, number: int) -> Frame:
        frame = decode(self, number)
        alive.add(frame.image)
        most.append(len(alive) + len(restorer.alive))
        return frame

    monkeypatch.setattr(PictureFile, "_frame", counted)
    restorer = BrightRestorer([5])
    masks = plan_side_files(tmp_path / "masks", [])
    restore(source, tmp_path / f"b{suffix}", restorer, Extras(masks=masks, compare=masks))
    assert len(most) == 60 and max(most) <= 8 + 2


def test_pages_of_any_size_share_portions_by_their_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr("vqfr_core.pipeline.portions.PIXELS_AT_ONCE", 1000)
    source, restorer = make_film(tmp_path / "a.tif", 6, sizes=((16, 24), (40, 30), (8, 8))), BrightRestorer([1])
    restore(source, tmp_path / "b.tif", restorer)
    assert restorer.most_at_once == 2
    after = read_picture(tmp_path / "b.tif")
    assert [tuple(image.shape[1:]) for image in after.images] == [(16, 24), (40, 30), (8, 8)] * 2
    restorer = BrightRestorer([1])
    restore(source, tmp_path / "b.tif", restorer, options=RestoreOptions(scale=2))
    assert restorer.most_at_once == 1


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".jpg"])
def test_an_untouched_file_keeps_its_bytes(tmp_path, suffix):
    if suffix == ".jpg":
        source = tmp_path / "a.jpg"
        Image.new("RGB", (24, 16), "gray").save(source, quality=30)
    else:
        source = make_film(tmp_path / f"a{suffix}", 19)
    restore(source, tmp_path / f"b{suffix.upper()}", BrightRestorer())
    assert (tmp_path / f"b{suffix.upper()}").read_bytes() == source.read_bytes()
    assert len(names(tmp_path)) == 2


def test_a_film_with_a_face_at_its_end_is_written(tmp_path):
    source = make_film(tmp_path / "a.png", 19)
    restore(source, tmp_path / "b.png", BrightRestorer([18]))
    assert float(read_picture(tmp_path / "b.png").images[18].min()) == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failure_in_the_middle_leaves_nothing(tmp_path, suffix):
    source, out = make_film(tmp_path / f"a{suffix}", 20), tmp_path / "out"
    out.mkdir()
    with pytest.raises(RuntimeError, match=r"^the network fell ill$"):
        restore(source, out / f"b{suffix}", BrightRestorer([0], fail_at=13))
    stop = iter([False, True])
    with pytest.raises(Cancelled):
        restore(source, out / f"b{suffix}", BrightRestorer([0]), should_stop=lambda: next(stop))
    assert os.listdir(out) == []


def test_further_files_of_a_film(tmp_path):
    source, out = make_film(tmp_path / "a.webp", 12), tmp_path / "out"
    out.mkdir()
    side = plan_side_files(tmp_path / "more", [])
    restore(source, out / "b.webp", BrightRestorer([2, 9]), Extras(side, side, side))
    faces = {f"b_frame{n:04d}_face2_{kind}.png" for n in (2, 9) for kind in ("input", "restored")}
    assert names(tmp_path / "more") == faces | {"b_mask.png", "b_compare.png"}
    masks = read_picture(tmp_path / "more" / "b_mask.png")
    assert masks.is_gray and masks.loop == 2
    shown = [float(image.mean()) for image in masks.images for _ in [0]]
    assert [value for value in shown if value not in (0, 1)] == [] and 1 in shown


def test_masks_of_pages_are_pages(tmp_path):
    source, out = make_film(tmp_path / "a.tif", 5, sizes=((16, 24), (20, 30))), tmp_path / "out"
    out.mkdir()
    side = plan_side_files(tmp_path / "more", [])
    restore(source, out / "b.tif", BrightRestorer([2]), Extras(masks=side))
    masks = read_picture(tmp_path / "more" / "b_mask.tif")
    assert [float(image.mean()) for image in masks.images] == [0, 0, 1, 0, 0]
    assert [tuple(image.shape[1:]) for image in masks.images] == [(16, 24), (20, 30)] * 2 + [(16, 24)]


def test_the_result_appears_after_all_else(tmp_path):
    source, out = make_film(tmp_path / "a.webp", 12), tmp_path / "out"
    out.mkdir()
    blocked = plan_side_files(tmp_path / "more", [])
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "b_mask.png").mkdir()
    with pytest.raises(InputError, match="a folder has this name"):
        restore(source, out / "b.webp", BrightRestorer([2]), Extras(masks=blocked))
    assert os.listdir(out) == []


def test_transparency_and_depth_go_along(tmp_path):
    image, alpha = torch.full((3, 8, 8), 300 / 65535), torch.full((1, 8, 8), 0.5)
    write_picture(Picture([Frame(image, alpha)], bit_depth=16), tmp_path / "a.png")
    restore(tmp_path / "a.png", tmp_path / "b.png", BrightRestorer([0]))
    after = read_picture(tmp_path / "b.png")
    assert after.bit_depth == 16 and float(after.images[0].min()) == 1
    assert float(after.frames[0].alpha.mean()) == pytest.approx(0.5, abs=1e-4)


def test_a_film_into_a_format_of_stills_is_refused_at_once(tmp_path):
    restorer = BrightRestorer([0])
    with pytest.raises(InputError, match="cannot hold an animation"):
        restore(make_film(tmp_path / "a.gif", 20), tmp_path / "b.jpg", restorer)
    assert restorer.num_seen == 0
    assert names(tmp_path) == {"a.gif"}


@pytest.mark.parametrize("suffix", [".png", ".gif", ".jpg"])
def test_pages_never_become_an_animation(tmp_path, suffix):
    source, restorer = make_film(tmp_path / "a.tif", 3), BrightRestorer([0])
    with pytest.raises(InputError, match=rf"b\{suffix}: \w+ cannot hold the input's 3 pages; use .tif, .tiff"):
        restore(source, tmp_path / f"b{suffix}", restorer)
    assert restorer.num_seen == 0 and names(tmp_path) == {"a.tif"}
    restore(make_film(tmp_path / "one.tif", 1), tmp_path / "one.png", restorer)
    assert len(read_picture(tmp_path / "one.png").frames) == 1


def test_too_many_pixels_in_all_are_refused(tmp_path):
    source = make_film(tmp_path / "a.gif", 20)
    with pytest.raises(InputError, match="million pixels"):
        restore(source, tmp_path / "b.gif", BrightRestorer(), max_pixels=20 * 16 * 24 - 1)


@pytest.mark.parametrize(
    ("with_face", "mark", "is_marked"), [((0,), True, True), ((0,), False, False), ((), True, False)]
)
def test_a_changed_picture_is_marked_in_its_xmp(tmp_path, with_face, mark, is_marked):
    Image.new("RGB", (24, 16), "gray").save(tmp_path / "a.png")
    job = Job(tmp_path / "a.png", tmp_path / "out.jpg", "out.jpg", False)
    restore_file(job, BrightRestorer(with_face), RestoreOptions(), Extras(), 95, Reporter(), mark=mark)
    xmp = read_picture(tmp_path / "out.jpg").xmp
    assert (xmp is not None and COMPOSITE.encode() in xmp) == is_marked


def test_no_mark_where_there_is_no_place(tmp_path, caplog):
    Image.new("RGB", (24, 16), "gray").save(tmp_path / "a.png")
    job = Job(tmp_path / "a.png", tmp_path / "out.bmp", "out.bmp", False)
    restore_file(job, BrightRestorer((0,)), RestoreOptions(), Extras(), 95, Reporter())
    assert "XMP" not in caplog.text
