import base64
import dataclasses
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stand_ins.restorers import save
from stand_ins.upscalers import spandrel_network
from vqfr_core import FaceRestorer, RestoreOptions, read_picture, to_array
from vqfr_core.drawing.sheet import draw_sweep
from vqfr_core.networks.base import Restorer
from vqfr_core.networks.vqfr import VqfrV1
from vqfr_core.page.photo import view
from vqfr_core.page.photo.actions import Desk
from vqfr_core.page.saving import Saving
from vqfr_core.page.shown import NO_RESULT, SAME
from vqfr_core.pictures.xmp import COMPOSITE

from ..conftest import GROUP


@pytest.fixture
def desk(host, sessions) -> Desk:
    return Desk(host, sessions)


@pytest.fixture
def photo_file(portrait, tmp_path) -> Path:
    path = tmp_path / "my photo.png"
    portrait.save(path)
    return path


@pytest.fixture
def encodings(keepers, tiny_v2):
    """Grows by one whenever the second network looks at faces."""
    seen = []
    network = keepers[tiny_v2].open().network
    hook = network.encoder.register_forward_hook(lambda *_: seen.append(1))
    yield seen
    hook.remove()


def pictures_in(html: str) -> list[Image.Image]:
    contents = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(content))) for content in contents]


def ignore(what: str, done: int, total: int) -> None:
    del what, done, total


def test_a_photograph_is_shown_with_its_faces(desk, ask, photo_file):
    shown = desk.open(ask(), photo_file)
    assert shown.drawing.size == (960, 800), "enlarged, so that the numbers can be read"
    assert "my photo.png: 1 face found; to be restored: #0." in shown.said
    assert shown.tab == "faces" and shown.changes().items() >= NO_RESULT.changes().items()


@pytest.mark.slow
def test_the_result_is_the_command_lines_and_keeps_the_format(desk, ask, photo_file, tiny_v2):
    key = desk.open(ask(), photo_file).key
    seen = []
    shown = desk.restore(ask(key, fidelity=0.3), lambda *report: seen.append(report))
    assert seen == [("face", 0, 1), ("face", 1, 1)] and shown.tab == "result"
    before, after = pictures_in(shown.comparison)
    assert before.size == after.size == (192, 160)
    assert len(pictures_in(shown.crops)) == 2 and "face 0, before" in shown.crops
    assert "1 of 1 face restored" in shown.report and shown.json["source"] == "my photo.png"
    json.dumps(shown.json)
    unmarked = read_picture(desk.save(ask(key), Saving(mark=False)).file).xmp
    saved = Path(desk.save(ask(key)).file)
    assert saved.name == "my photo_restored.png"
    assert unmarked is None and COMPOSITE.encode() in (read_picture(saved).xmp or b"")
    sizes = [Path(desk.save(ask(key), Saving("jpg", quality)).file).stat().st_size for quality in (30, 90)]
    assert sizes[0] < sizes[1] / 2
    image = read_picture(photo_file).images[0]
    fresh = FaceRestorer(tiny_v2, device="cpu").restore(image, RestoreOptions(fidelity=0.3))
    assert np.array_equal(np.asarray(Image.open(saved)), to_array(fresh.image))


def test_restore_may_be_faster_than_the_first_answer(desk, ask, photo_file):
    new = ask(select="none")._replace(client="tab")
    restored = desk.restore(new._replace(path=photo_file), ignore)
    assert "0 of 1 face restored" in restored.said and restored.comparison
    opened = desk.open(new, photo_file)
    assert opened.key == restored.key and opened.comparison is SAME and opened.said is SAME


@pytest.mark.slow
def test_settings_that_need_no_network_show_at_once(desk, ask, photo_file, encodings):
    key = desk.open(ask(), photo_file).key
    early = desk.change(ask(key, fidelity=0.1), is_redrawn=False)
    assert early.changes() == {"key": key}, "there is no result to change yet"
    first = desk.restore(ask(key), ignore)
    for changes in ({"fidelity": 0.9}, {"opacity": 0.4}, {"mask": "crop"}, {"color_match": 0.0}):
        shown = desk.change(ask(key, **changes), is_redrawn=False)
        assert shown.comparison != first.comparison, changes
    assert len(encodings) == 1


@pytest.mark.slow
def test_what_needs_the_network_waits_for_the_button(desk, ask, encodings):
    key = desk.open(ask(max_faces=1), GROUP).key
    desk.restore(ask(key, max_faces=1), ignore)
    shown = desk.change(ask(key, max_faces=2), is_redrawn=True)
    assert "Press Restore" in shown.said and shown.comparison is SAME and shown.drawing
    assert len(encodings) == 1


def test_a_click_chooses_and_leaves_out(desk, ask, sessions, keepers, tiny_v2):
    key = desk.open(ask(), GROUP).key
    photo = sessions.open(key)[1].require_photo()
    found = photo.image.detect(keepers[tiny_v2].open(), RestoreOptions())
    center, scale = found.used[1].detection.box.center, photo.drawing_scale
    spot = ((center.x + 0.5) * scale, (center.y + 0.5) * scale)
    shown = desk.click(ask(key), spot)
    others = ",".join(str(face.number) for face in found.used if face.number != 1)
    assert shown.select == others and "to be restored" in shown.said
    assert desk.click(ask(key, select=others), spot).select == "all"
    assert desk.click(ask(key, select="1"), spot).select == "none"
    assert desk.choose(ask(key), ["#1"]).select == "1" and desk.choose(ask(key), []).select == "none"
    ticks = desk.choose(ask(key), ["#2", "#0"]).chosen
    assert ticks.ticked == ("#0", "#2") and len(ticks.choices) == len(found.faces)
    assert "No face was found here" in desk.click(ask(key), (0, 0)).said


@pytest.mark.slow
def test_a_sweep(desk, ask, photo_file, encodings, tiny_v1):
    key = desk.open(ask(), photo_file).key
    desk.restore(ask(key), ignore)
    shown = desk.sweep(ask(key), ignore)
    with Image.open(shown.sweep) as sheet:
        assert sheet.width > 5 * sheet.height
    assert shown.tab == "sweep" and len(encodings) == 1


@pytest.mark.slow
def test_a_v1_shows_a_new_fidelity_at_once_too(desk, ask, photo_file, tiny_v1, monkeypatch):
    key = desk.open(ask(model=tiny_v1), photo_file).key
    first = desk.restore(ask(key, model=tiny_v1), ignore)
    monkeypatch.setattr(VqfrV1, "features", None)  # no network from here on
    shown = {value: desk.change(ask(key, model=tiny_v1, fidelity=value), is_redrawn=False) for value in (0.2, 1.0)}
    assert not any("no fidelity" in answer.said for answer in shown.values())
    same = {value: answer.comparison == first.comparison for value, answer in shown.items()}
    assert same == {0.2: False, 1.0: True}
    swept = []
    monkeypatch.setattr(view, "draw_sweep", lambda faces, values: (swept.append(values), draw_sweep(faces, values))[1])
    assert desk.sweep(ask(key, model=tiny_v1), ignore).tab == "sweep"
    assert swept == [[0.0, 0.125, 0.25, 0.375, 0.5]], "where it changes"


def test_a_closer_look_has_the_full_size(desk, ask, photo_file, monkeypatch):
    monkeypatch.setattr(view, "SHOWN_PX", 96)
    key = desk.open(ask(select="none"), photo_file).key
    assert desk.look_closer(ask(key)).comparison is SAME
    shown, closer = desk.restore(ask(key, select="none"), ignore), desk.look_closer(ask(key))
    assert [pictures_in(each.comparison)[1].size for each in (shown, closer)] == [(96, 80), (192, 160)]
    assert all('data-width="192"' in each.comparison for each in (shown, closer))
    monkeypatch.setattr(view, "CLOSE_PIXELS", 96 * 80)
    assert pictures_in(desk.look_closer(ask(key)).comparison)[0].size == (96, 80)


def test_without_a_face_the_file_stays_as_it_was(desk, ask, tmp_path):
    path = tmp_path / "wall.jpg"
    Image.new("RGB", (200, 160), (90, 120, 80)).save(path, quality=40)
    shown = desk.open(ask(), path)
    assert "no face found" in shown.said
    assert "no face found" in desk.restore(ask(shown.key), ignore).said
    assert Path(desk.save(ask(shown.key)).file).read_bytes() == path.read_bytes()


def test_what_the_result_cannot_keep_is_reported(desk, ask, tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (40, 30)).save(path, exif=b"Exif\0\0II*\0", extra=b"\xff\xe7\0\x0aTHERMO\0\0")
    key = desk.open(ask(), path).key
    assert "the EXIF block is damaged" in desk.restore(ask(key, scale=2), ignore).said
    report = desk.save(ask(key, scale=2)).report
    assert "a_restored.jpg: its data called THERMO was left out" in report and str(tmp_path) not in report


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n cut off"])
def test_a_wrong_file_is_refused_in_words(desk, ask, tmp_path, content):
    path = tmp_path / "x<b>.png"
    path.write_bytes(content)
    shown = desk.open(ask(), path)
    assert "vqfr-error" in shown.said and "x&lt;b&gt;.png" in shown.said and str(tmp_path) not in shown.said
    assert shown.drawing is None and shown.warning
    assert desk.restore(ask(shown.key), ignore).said == shown.said


def test_bad_settings_are_named(desk, ask, photo_file):
    key = desk.open(ask(), photo_file).key
    assert "cannot understand" in desk.change(ask(key, select="first"), is_redrawn=True).said
    assert "outside 0.0 to 1.0" in desk.restore(ask(key, fidelity=7), ignore).said
    assert "not one of the models here" in desk.restore(ask(key, model="/etc/passwd"), ignore).said


@pytest.mark.slow
def test_stop_ends_the_work_between_faces(desk, ask):
    key = desk.open(ask(), GROUP).key

    def stop_after_one(what: str, done: int, total: int) -> None:
        if done == 1:
            desk.stop(key)

    said = desk.restore(ask(key), stop_after_one).said
    assert re.search(r">Stopped after \d of \d faces; press Restore to continue from there\.<", said), said
    assert "restored" in desk.restore(ask(key, max_faces=2), ignore).said


def test_another_model_is_not_opened_before_it_is_needed(desk, ask, photo_file):
    assert desk.choose_model(ask(model="none")).said is SAME
    key = desk.open(ask(), photo_file).key
    assert "with none." in desk.choose_model(ask(key, model="none")).said


def test_a_download_is_counted_and_can_be_stopped(host, sessions, ask, tiny_v2):
    def fetch(name: str, progress) -> None:
        for done in range(0, 4 << 20, 1 << 19):
            progress(done, 4 << 20)

    desk = Desk(dataclasses.replace(host, fetch=fetch), sessions)
    told, key = [], sessions.open(None)[0]
    assert "Press Restore to use it" in desk.download(ask(key), lambda *counted: told.append(counted)).said
    assert told == [("MB", 0, 4), ("MB", 1, 4), ("MB", 2, 4), ("MB", 3, 4)]
    stopped = desk.restore(ask(key), lambda *_: desk.stop(key))
    assert "The download was stopped" in stopped.said


def test_a_model_without_fidelity_says_so(desk, ask, photo_file, monkeypatch):
    key = desk.open(ask(), photo_file).key
    assert desk.restore(ask(key, select="none"), ignore).fidelity_note == ""
    monkeypatch.setattr(Restorer, "has_fidelity", False)
    assert "this slider changes nothing" in desk.restore(ask(key, select="none"), ignore).fidelity_note
    assert desk.choose_model(ask(key)).fidelity_note == ""


def test_of_an_animation_the_first_frame_is_worked_on(desk, ask, tmp_path):
    path = tmp_path / "two.gif"
    frames = [Image.new("RGB", (64, 48), color) for color in ("gray", "white")]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    shown = desk.open(ask(), path)
    assert "The first frame is shown" in shown.said
    desk.restore(ask(shown.key), ignore)
    with Image.open(desk.save(ask(shown.key)).file) as saved:
        assert saved.format == "GIF" and saved.n_frames == 1


@pytest.mark.slow
def test_an_aligned_face(desk, ask, reference_dir):
    key = desk.open(ask(aligned=True), reference_dir / "input_face.png").key
    shown = desk.restore(ask(key, aligned=True), ignore)
    assert "1 of 1 face restored" in shown.said and len(pictures_in(shown.crops)) == 2


@pytest.mark.slow
def test_models_side_by_side(desk, ask, photo_file, tiny_v1, tiny_v2):
    key = desk.open(ask(), photo_file).key
    counted = []
    shown = desk.compare(ask(key), [tiny_v2, tiny_v1], lambda what, done, total: counted.append((done, total)))
    with Image.open(shown.sweep) as sheet:
        assert 3 * 512 < sheet.width < 3.2 * 512
    assert shown.tab == "sweep" and counted == [(0, 2), (1, 2), (1, 2), (2, 2)]
    assert "Choose the models" in desk.compare(ask(key), [], ignore).said


def test_a_background(desk, ask, photo_file, host, tmp_path):
    pytest.importorskip("spandrel")
    save(spandrel_network("Compact"), tmp_path / "models" / "2x_tiny.pth")
    (name,) = host.backgrounds.names()
    assert name == "2x_tiny.pth (a Real-ESRGAN (compact) upscaler)"
    key, told = desk.open(ask(), photo_file).key, []
    asked = ask(key, background=name, select="none", scale=2)
    shown = desk.restore(asked, lambda *counted: told.append(counted))
    assert told == [("tile", 0, 1), ("tile", 1, 1)] and "background by 2x_tiny" in shown.said
    assert pictures_in(shown.comparison)[1].size == (384, 320)
    assert read_picture(Path(desk.save(asked).file)).images[0].shape == (3, 320, 384)
    again = desk.change(ask(key, background=name, select="none", scale=2, opacity=0.5), is_redrawn=False)
    assert again.comparison is not SAME, "the background is kept"
    waiting = desk.change(ask(key, background=name, select="none"), is_redrawn=False)
    assert "Press Restore" in waiting.said
    refused = desk.restore(ask(key, background="/etc/passwd"), lambda *_: None)
    assert "is not one of the upscalers here; choose none or one of 2x_tiny" in refused.said
