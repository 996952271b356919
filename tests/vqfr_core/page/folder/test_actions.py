import dataclasses
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from stand_ins.restorers import save
from stand_ins.upscalers import spandrel_network
from vqfr_core import RestoreOptions
from vqfr_core.cli import main
from vqfr_core.errors import InputError
from vqfr_core.page.backgrounds import NONE
from vqfr_core.page.folder import archives
from vqfr_core.page.folder.actions import Wanted, work_on_pictures
from vqfr_core.page.folder.words import progress_html
from vqfr_core.page.host import Folders
from vqfr_core.page.saving import Saving

NOTHING_WANTED = Wanted([], "", "", False, False)


@pytest.fixture
def photos(portrait, tmp_path) -> Path:
    """A folder with two portraits and a damaged file."""
    folder = tmp_path / "photos"
    folder.mkdir()
    portrait.save(folder / "a.png")
    portrait.save(folder / "b.jpg")
    (folder / "c.png").write_bytes(b"not a picture")
    return folder


@pytest.fixture
def run(host, sessions, tiny_v2):
    def run(wanted: Wanted, host=host, background=NONE, **options):
        session = sessions.open("one")[1]
        made = RestoreOptions(**options)
        return list(work_on_pictures(host, session, wanted, made, lambda: host.open_restorer(tiny_v2), background))

    return run


@pytest.mark.slow
def test_a_folder_like_the_command_line(run, photos, tmp_path, tiny_v2):
    steps = run(NOTHING_WANTED._replace(folder=str(photos)), fidelity=0.2)
    assert [(step.done, step.total) for step in steps] == [(0, 3), (1, 3), (2, 3), (3, 3), (3, 3)]
    assert steps[1].message == "1 of 3 pictures done, working on b.jpg"
    assert steps[-1].message == f"2 restored, 1 failed. The results are in {photos / 'restored'}."
    assert sorted(path.name for path in (photos / "restored").iterdir()) == ["a.png", "b.jpg"]
    words = ["restore", str(photos / "a.png"), "-o", str(tmp_path / "cli.png"), "--model", tiny_v2, "--fidelity", "0.2"]
    assert main([*words, "--device", "cpu", "-q"]) == 0
    assert (photos / "restored" / "a.png").read_bytes() == (tmp_path / "cli.png").read_bytes()
    html = progress_html(steps[-1])
    assert "✓ a.png: 1 of 1 face restored" in html and "✗ c.png: not a picture" in html
    again = run(NOTHING_WANTED._replace(folder=str(photos)))[-1]
    assert again.message.startswith("0 restored, 2 already there, 1 failed. The results are in")


def test_files_that_were_sent_come_back_in_a_zip(run, tmp_path):
    names = [tmp_path / "a.png", tmp_path / "b.jpg"]
    for path in names:
        Image.new("RGB", (64, 48), "gray").save(path)
    last = run(NOTHING_WANTED._replace(uploads=names, saving=Saving("png")))[-1]
    (archive,) = last.results
    assert sorted(zipfile.ZipFile(archive).namelist()) == ["a.png", "b.png"]
    (one,) = run(NOTHING_WANTED._replace(uploads=names[1:]))[-1].results
    assert one.name == "b.jpg" and one.read_bytes() == names[1].read_bytes()


def zipped(path: Path, *names: str) -> Path:
    Image.new("RGB", (64, 48), "gray").save(path.with_suffix(".png"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.write(path.with_suffix(".png"), name)
    return path


def test_archives_are_unpacked_and_the_copies_removed(run, sessions, tmp_path):
    names = ["a.png", "sub/a.png", "../../up.png", "/root.png", "..\\back.png", "__MACOSX/._a.png", "notes.txt"]
    last = run(NOTHING_WANTED._replace(uploads=[zipped(tmp_path / "mine.zip", *names)]))[-1]
    assert last.message.startswith("5 restored")
    results = zipfile.ZipFile(last.results[0]).namelist()
    assert len(set(results)) == 5 and {"up.png", "root.png", "back.png"} < set(results)
    assert not list(tmp_path.glob("*up.png")) and not list(tmp_path.parent.glob("up.png"))
    assert not list(sessions.open("one")[1].folder.glob("unpacked_*"))


def test_archives_have_limits(run, tmp_path, monkeypatch):
    def refusal(path: Path) -> str:
        return run(NOTHING_WANTED._replace(uploads=[path]))[-1].message

    assert "from 1 to 1000 pictures, not 0" in refusal(zipped(tmp_path / "none.zip", "notes.txt"))
    two = zipped(tmp_path / "two.zip", "a.png", "b.png")
    whole = two.read_bytes()
    two.write_bytes(whole[:-30])
    assert "two.zip: cannot be unpacked" in refusal(two)
    two.write_bytes(whole)
    monkeypatch.setattr(archives, "MOST_BYTES", 150)
    assert "unpacked; send it in parts" in refusal(two)
    size = (tmp_path / "two.png").stat().st_size
    two.write_bytes(whole.replace(size.to_bytes(4, "little"), (1).to_bytes(4, "little")))  # a lie
    assert "cannot be unpacked" in refusal(two)
    monkeypatch.setattr(archives, "MOST_PICTURES", 1)
    assert "not 2" in refusal(two)


def test_stop_leaves_nothing_half_written(host, sessions, photos, tiny_v2):
    session = sessions.open("one")[1]
    wanted = NOTHING_WANTED._replace(folder=str(photos), output=str(photos / "out"))
    steps = work_on_pictures(host, session, wanted, RestoreOptions(), lambda: host.open_restorer(tiny_v2))
    assert [next(steps).done, next(steps).done] == [0, 1]
    session.stop_pictures.set()
    assert [step.message for step in steps] == ["Stopped after 1 of 3 pictures; no file is half-written."]
    assert [path.name for path in (photos / "out").iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "choose pictures to upload, or name a folder"),
        ({"folder": "/no/such/folder"}, "no such folder"),
    ],
)
def test_nothing_to_do_is_said(run, changes, text):
    (step,) = run(NOTHING_WANTED._replace(**changes))
    assert step.is_failed and text in step.message and "vqfr-error" in progress_html(step)


def test_the_host_says_which_folders(run, host, photos):
    closed = dataclasses.replace(host, folders=Folders())
    (step,) = run(NOTHING_WANTED._replace(folder=str(photos)), host=closed)
    assert "cannot be named here" in step.message

    def check(folder: Path, is_written: bool) -> None:
        if is_written:
            raise InputError(f"{folder.name} is not for you")

    checked = dataclasses.replace(host, folders=Folders(True, lambda: photos / "theirs", check))
    (step,) = run(NOTHING_WANTED._replace(folder=str(photos)), host=checked)
    assert step.is_failed and step.message == "theirs is not for you"


def test_too_large_a_picture_is_refused(run, host, photos):
    small = dataclasses.replace(host, max_pixels=1000)
    last = run(NOTHING_WANTED._replace(uploads=[photos / "a.png"]), host=small)[-1]
    assert "more than 0.001 million pixels" in (last.entries[0].error or "") and not last.results


def test_too_large_a_result_is_refused(run, host, photos):
    exact = dataclasses.replace(host, max_pixels=192 * 160)
    last = run(NOTHING_WANTED._replace(uploads=[photos / "a.png"]), host=exact, scale=1.5)[-1]
    assert "reduce the output scale" in (last.entries[0].error or "") and not last.results


def test_who_uploads_is_told_no_folder(run, photos, tmp_path):
    bad = [photos / "c.png", photos / "missing.png"]
    for step in run(NOTHING_WANTED._replace(uploads=bad)):
        assert str(tmp_path) not in progress_html(step)
    assert "c.png: not a picture" in progress_html(step) and "missing.png: no such file" in progress_html(step)
    assert step.message == "0 restored, 2 failed.", "there is no place of results"


def test_what_is_lost_in_reading_is_told(run, tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0")
    steps = run(NOTHING_WANTED._replace(uploads=[tmp_path / "a.png"]), scale=2)
    assert steps[0].notes == () and "the EXIF block is damaged" in progress_html(steps[-1])


@pytest.mark.parametrize("place", ["temp", "temp/gradio/x", "link"])
def test_visitors_files_are_no_folder_to_name(run, host, photos, tmp_path, place):
    host.temp_folder.mkdir()
    (tmp_path / "link").symlink_to(host.temp_folder)
    (step,) = run(NOTHING_WANTED._replace(folder=str(photos), output=str(tmp_path / place)))
    assert step.is_failed and "keeps its visitors' files there" in step.message
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    (step,) = run(NOTHING_WANTED._replace(folder=str(tmp_path / place)))
    assert step.is_failed and "keeps its visitors' files there" in step.message


def test_a_background(run, host, tmp_path):
    pytest.importorskip("spandrel")
    save(spandrel_network("Compact"), tmp_path / "models" / "2x_tiny.pth")
    Image.new("RGB", (64, 48), "gray").save(tmp_path / "a.jpg")
    wanted = NOTHING_WANTED._replace(uploads=[tmp_path / "a.jpg"])
    last = run(wanted, background=host.backgrounds.names()[0], scale=2.0)[-1]
    with Image.open(last.results[0]) as result:
        assert result.size == (128, 96)
    assert progress_html(last).count("no face found") == 1 and "left unchanged" not in progress_html(last)
