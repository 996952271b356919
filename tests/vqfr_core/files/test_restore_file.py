"""A file into a file, with a restorer that only makes frames brighter: here it is about files and memory."""

import os
import weakref
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from stand_ins.upscalers import SmallUpscaler
from vqfr_core import FaceRestorer
from vqfr_core.errors import Cancelled, InputError
from vqfr_core.files.outputs import Job, plan_side_files
from vqfr_core.files.reporter import Reporter
from vqfr_core.files.restore_file import restore_file
from vqfr_core.files.side_files import Extras, SideWriter
from vqfr_core.options import RestoreOptions
from vqfr_core.pictures import Frame, Picture, PictureInfo, open_picture, read_picture, write_frames, write_picture
from vqfr_core.pictures.picture_file import PictureFile
from vqfr_core.pictures.xmp import COMPOSITE
from vqfr_core.pipeline import blend_faces
from vqfr_core.pipeline.enlarging.enlarger import Enlarger
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, ImageFaces, MadeBy

SUFFIXES = [".gif", ".png", ".webp", ".tif"]


class BrightRestorer:
    """Turns each frame with a face, that is every frame whose number is listed, white."""

    def __init__(self, with_face=(), fail_at=None):
        self.with_face, self.fail_at = set(with_face), fail_at
        self.num_seen, self.most_at_once, self.alive = 0, 0, weakref.WeakSet()

    def restore_many(self, images, options, *, background=None, progress=None, should_stop=None):
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
            has_changes=has_face,
            notes=["a note"],
            warnings=["face 2: look"] if has_face else [],
            timings_s={"restore": 0.5},
            options={"fidelity": options.fidelity},
            model={"name": "bright"},
            device="cpu",
            precision="fp32",
            summary=lambda: "one frame",
            made_with="bright on cpu in fp32",
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
    decode = PictureFile.frame

    def counted(self: PictureFile, number: int) -> Frame:
        frame = decode(self, number)
        alive.add(frame.image)
        most.append(len(alive) + len(restorer.alive))
        return frame

    monkeypatch.setattr(PictureFile, "frame", counted)
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


def test_an_open_file_is_used_and_closed(tmp_path, monkeypatch):
    opened = open_picture(make_film(tmp_path / "a.gif", 2))
    closed = []
    monkeypatch.setattr(opened, "close", lambda: closed.append(1))
    restore(tmp_path / "a.gif", tmp_path / "b.gif", BrightRestorer(), opened=opened)
    assert len(read_picture(tmp_path / "b.gif").frames) == 2 and closed


@pytest.mark.parametrize(
    ("with_face", "mark", "is_marked"), [((0,), True, True), ((0,), False, False), ((), True, False)]
)
def test_a_changed_picture_is_marked_in_its_xmp(tmp_path, with_face, mark, is_marked):
    Image.new("RGB", (24, 16), "gray").save(tmp_path / "a.png")
    job = Job(tmp_path / "a.png", tmp_path / "out.jpg", "out.jpg", False)
    restore_file(job, BrightRestorer(with_face), RestoreOptions(), Extras(), 95, Reporter(), mark=mark)
    xmp = read_picture(tmp_path / "out.jpg").xmp
    assert (xmp is not None and COMPOSITE.encode() in xmp) == is_marked


def test_dates_are_kept_where_asked(tmp_path):
    Image.new("RGB", (24, 16), "gray").save(tmp_path / "a.png")
    os.utime(tmp_path / "a.png", ns=(10**18, 10**18 + 1))
    restore(tmp_path / "a.png", tmp_path / "b.png", BrightRestorer([0]), keep_dates=True)
    assert (tmp_path / "b.png").stat().st_mtime_ns == 10**18 + 1
    assert Job(tmp_path / "a.png", tmp_path / "b.png", Path("b"), True).is_done


def test_losses_are_notes_of_the_report(tmp_path, caplog):
    image, alpha = torch.full((3, 8, 8), 300 / 65535), torch.full((1, 8, 8), 0.5)
    write_picture(Picture([Frame(image, alpha)], bit_depth=16, text={"key": "value"}), tmp_path / "a.png")
    restorer = BrightRestorer([0])
    notes: list[str] = []
    restorer_restore, restorer._restore = restorer._restore, lambda *given: keep(restorer_restore(*given))

    def keep(result):
        result.report.notes = notes
        return result

    restore(tmp_path / "a.png", tmp_path / "b.jpg", restorer)
    text = "; ".join(notes)
    for words in ("8 bits a channel", "no transparency", "stores with loss (quality 95)", "b.jpg: its text entries"):
        assert words in text
    assert not caplog.text
    notes.clear()
    restore(tmp_path / "a.png", tmp_path / "c.png", BrightRestorer([0]))
    assert notes == []


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "progressive.jpg"])
def test_what_is_left_of_a_file_is_salvaged(tmp_path, name):
    pixels = np.random.default_rng(0).integers(100, 156, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / name, progressive="progressive" in name, quality=90)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * 3 // 4])
    target = tmp_path / f"b{Path(name).suffix}"
    with pytest.raises(InputError, match="cut off"):
        restore(tmp_path / name, target, BrightRestorer())
    done = restore(tmp_path / name, target, BrightRestorer(), salvage=True)
    assert done.line == "one frame"
    result = np.asarray(Image.open(target).convert("RGB")).astype(int)
    assert abs(result[:16] - pixels[:16]).mean() < 20 and result[-8:].std() < result[:8].std()


def test_layers_put_the_face_back(tmp_path):
    pixels = torch.rand(3, 40, 60, generator=torch.Generator().manual_seed(0))
    detection = FaceDetection(Box(10, 10, 26, 26), (), 1.0)
    crop = FaceCrop(detection, torch.zeros(3, 16, 16), np.array([[1.0, 0, -10], [0, 1, -10]]))
    mask = torch.zeros(1, 16, 16)
    mask[:, 4:12, 4:12] = 0.75
    face = Face(detection, number=3, crop=crop, restored=torch.full((3, 16, 16), 0.5), mask=mask)
    found = ImageFaces(pixels, (40, 60), (face,), MadeBy(model={"name": "x", "fidelity": None}))
    ((image, covered),) = blend_faces([found])
    side = plan_side_files(tmp_path / "layers", [])
    Image.new("RGB", (60, 40)).save(tmp_path / "a.png")
    with open_picture(tmp_path / "a.png") as file:
        writer = SideWriter(Job(tmp_path / "a.png", tmp_path / "o.png", Path("a"), True), file, Extras(layers=side))
        writer.add(Frame(pixels), SimpleNamespace(image=image, mask=covered, faces=found.used, found=found))
    (layer,) = read_picture(tmp_path / "layers" / "a_face3_layer.png").frames
    torch.testing.assert_close(torch.lerp(pixels, layer.image, layer.alpha), image, atol=2 / 255, rtol=0)
    assert layer.alpha[0, 20, 20] == pytest.approx(0.75, abs=0.01) and layer.alpha[0, 0, 0] == 0


def test_no_mark_where_there_is_no_place(tmp_path, caplog):
    Image.new("RGB", (24, 16), "gray").save(tmp_path / "a.png")
    job = Job(tmp_path / "a.png", tmp_path / "out.bmp", "out.bmp", False)
    restore_file(job, BrightRestorer((0,)), RestoreOptions(), Extras(), 95, Reporter())
    assert "XMP" not in caplog.text


@pytest.fixture
def bystander(tiny_v2, small_store):
    """A real restorer, for pictures without a face."""
    return FaceRestorer(tiny_v2, device="cpu", store=small_store)


def test_a_background_is_made_where_there_is_no_face(tmp_path, bystander):
    ramp = torch.linspace(0.2, 0.8, 48 * 64).view(1, 48, 64)
    alpha = (ramp > 0.5).float()
    write_picture(Picture([Frame(ramp.expand(3, -1, -1), alpha)], is_gray=True, bit_depth=16), tmp_path / "a.png")
    background = Enlarger(SmallUpscaler(4))
    done = restore(tmp_path / "a.png", tmp_path / "b.png", bystander, background=background)
    before, after = read_picture(tmp_path / "a.png"), read_picture(tmp_path / "b.png")
    assert (after.bit_depth, after.is_gray) == (16, True) and after.frames[0].alpha is not None
    assert (after.images[0] - background(before.images[0], (48, 64))).abs().max() <= 1 / 65535
    assert COMPOSITE.encode() in after.xmp and done.reports[0]["background"]["scale"] == 4
    larger = RestoreOptions(scale=2)
    restore(tmp_path / "a.png", tmp_path / "c.png", bystander, options=larger, background=background)
    assert read_picture(tmp_path / "c.png").frames[0].alpha.shape == (1, 96, 128)


def test_every_frame_has_its_background_and_tiles_are_counted(tmp_path, bystander):
    told = []

    class Counting(Reporter):
        @contextmanager
        def bar(self, what, unit, *, in_bytes=False):
            yield lambda done, total: told.append((unit, done, total))

    source = make_film(tmp_path / "a.webp", 2)
    job = Job(source, tmp_path / "b.webp", Path("b"), True)
    background = Enlarger(SmallUpscaler(2))
    restore_file(job, bystander, RestoreOptions(), Extras(), 95, Counting(), background=background)
    assert [entry for entry in told if entry[0] == "tile"] == [("tile", 0, 1), ("tile", 1, 1)] * 2
    assert background.progress is None
    with pytest.raises(Cancelled):
        restore(source, tmp_path / "c.webp", bystander, background=background, should_stop=lambda: True)
    assert not (tmp_path / "c.webp").exists()
