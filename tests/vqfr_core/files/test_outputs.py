import os
from pathlib import Path

import pytest
from PIL import Image

from vqfr_core.errors import InputError
from vqfr_core.files.inputs import Source
from vqfr_core.files.outputs import Job, check_report_path, plan_jobs, plan_side_files, write_whole


def sources(*paths: str, named: bool = True, root: Path = Path("in")) -> list[Source]:
    return [Source(root / path, Path(path), named) for path in paths]


def targets(jobs: list[Job]) -> list[str]:
    return [job.target.as_posix() for job in jobs]


def test_a_name_with_an_image_suffix_is_a_file_for_one_picture():
    (job,) = plan_jobs(sources("a.jpg"), Path("b.JPG"), format=None)
    assert (job.target, job.name, job.in_folder) == (Path("b.JPG"), Path("b"), False)


def test_else_out_is_a_folder(tmp_path):
    assert targets(plan_jobs(sources("a.jpg", "b.jpg"), Path("o.png"), format=None)) == ["o.png/a.png", "o.png/b.png"]
    assert targets(plan_jobs(sources("a.jpg", named=False), Path("o.png"), format=None)) == ["o.png/a.png"]
    assert targets(plan_jobs(sources("a.jpg"), Path("o"), format=None)) == ["o/a.png"]
    folder = tmp_path / "o.png"
    folder.mkdir()
    assert plan_jobs(sources("a.jpg"), folder, format=None)[0].target == folder / "a.png"


@pytest.mark.parametrize(
    ("format", "expected"),
    [
        (None, ["o/a.png", "o/sub/b.png", "o/c.PNG", "o/d.png", "o/e.001.png"]),
        ("jpg", ["o/a.JPEG", "o/sub/b.jpg", "o/c.jpg", "o/d.jpg", "o/e.001.jpg"]),
        ("same", ["o/a.JPEG", "o/sub/b.tif", "o/c.PNG", "o/d.png", "o/e.001.png"]),
    ],
)
def test_names_and_sub_folders_are_kept(format, expected):
    jobs = plan_jobs(sources("a.JPEG", "sub/b.tif", "c.PNG", "d.ppm", "e.001"), Path("o"), format=format)
    assert targets(jobs) == expected


def test_a_file_of_pages_stays_one_unless_a_format_is_named(tmp_path):
    one, other = (Image.new("RGB", (4, 4), color) for color in ("red", "blue"))
    one.save(tmp_path / "pages.TIF", save_all=True, append_images=[other])
    one.save(tmp_path / "page.tif")
    one.save(tmp_path / "film.gif", save_all=True, append_images=[other])
    (tmp_path / "damaged.tif").write_bytes(b"II*")
    found = sources("pages.TIF", "page.tif", "film.gif", "damaged.tif", root=tmp_path)
    kept = plan_jobs(found, Path("o"), format=None, keep_pages=True)
    assert targets(kept) == ["o/pages.TIF", "o/page.png", "o/film.png", "o/damaged.png"]
    for format, more in ((None, {}), ("png", {"keep_pages": True})):
        assert targets(plan_jobs(found, Path("o"), format=format, **more))[0] == "o/pages.png"


def test_an_input_is_never_overwritten(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    for out in (tmp_path / "a.png", tmp_path / "link" / "a.png", tmp_path, tmp_path / "link"):
        with pytest.raises(InputError, match="would be overwritten"):
            plan_jobs(sources("a.png", root=tmp_path), out, format=None)
    assert plan_jobs(sources("a.jpg", root=tmp_path), tmp_path, format=None)[0].target == tmp_path / "a.png"


def test_two_pictures_never_become_one_file():
    assert targets(plan_jobs(sources("a.png", "a.jpg"), Path("o"), format="same")) == ["o/a.png", "o/a.jpg"]
    jobs = plan_jobs(sources("a.png", "a.jpg", "b.png", "A.tar.PNG"), Path("o"), format=None)
    assert targets(jobs) == ["o/a_png.png", "o/a_jpg.png", "o/b.png", "o/A.tar.PNG"]
    assert [job.name.name for job in jobs] == ["a_png", "a_jpg", "b", "A.tar"]
    assert targets(plan_jobs(sources("a.png", "a.tga"), Path("o"), format="same")) == ["o/a_png.png", "o/a_tga.png"]
    marked = targets(plan_jobs(sources("a.jpg", "a.tif", "a_jpg.png"), Path("o"), format=None))
    assert len(set(marked)) == 3 and marked[1] == "o/a_tif.png"


def test_pictures_of_one_name_from_several_folders_are_told_apart():
    one, other, third = (sources("a.png", root=Path(folder)) for folder in ("x", "y", "z"))
    two = targets(plan_jobs(one + other, Path("o"), format=None))
    assert len(set(two)) == 2 and all(name.startswith("o/a_png_") for name in two)
    assert targets(plan_jobs(third + other + one, Path("o"), format=None))[:0:-1] == two
    assert len(set(targets(plan_jobs(sources("A.png", "a.png"), Path("o"), format=None)))) == 2


def test_long_names_fit(tmp_path):
    long = "漢" * 83 + "ab"
    one, other = plan_jobs(sources(f"{long}.jpg", f"{long}c.png"), tmp_path, format="tiff")
    names = [*(job.target.name for job in (one, other)), plan_side_files(tmp_path, [one]).path(one, "face0_input").name]
    assert len(set(names)) == 3 and max(len(os.fsencode(name)) for name in names) <= 255
    assert all(name.startswith("漢" * 70) for name in names)


def test_names_of_windows_devices(monkeypatch):
    assert targets(plan_jobs(sources("aux.jpg"), Path("o"), format=None)) == ["o/aux.png"]
    monkeypatch.setattr("vqfr_core.files.names._IS_WINDOWS", True)
    assert targets(plan_jobs(sources("aux.jpg", "aux1.jpg"), Path("o"), format=None)) == ["o/aux_.png", "o/aux1.png"]
    with pytest.raises(InputError, match="device"):
        plan_jobs(sources("a.jpg"), Path("o/NUL.png"), format=None)


def test_results_do_not_leave_their_folder_by_a_link(tmp_path):
    (out := tmp_path / "out").mkdir(), (away := tmp_path / "away").mkdir()
    (out / "sub").symlink_to(away, target_is_directory=True)
    (inside,) = plan_jobs(sources("a.png"), out, format=None)
    inside.make_folder()
    for name in ("sub/a.png", "sub/deep/a.png"):
        (job,) = plan_jobs(sources(name), out, format=None)
        with pytest.raises(InputError, match="link that leads out"):
            job.make_folder()
        with pytest.raises(InputError, match="link that leads out"):
            plan_side_files(out, [job]).path(job, "mask")
    assert list(away.iterdir()) == []
    (away / "b.png").write_bytes(b"newer"), (out / "b.png").symlink_to(away / "b.png")
    assert not Job(tmp_path / "out", out / "b.png", Path("b"), True).is_done


def test_out_that_cannot_be(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(InputError, match="is a file"):
        plan_jobs(sources("a.png", "b.png"), tmp_path / "file", format=None)
    with pytest.raises(InputError, match="contradict"):
        plan_jobs(sources("a.png"), Path("b.png"), format="jpg")
    for name in ("b.jp2", "b.HEIC", "b.jxl", "b.mp4", "b.psd", "b.svg"):
        for named in (True, False):
            with pytest.raises(InputError, match="cannot be written"):
                plan_jobs(sources("a.png", named=named), tmp_path / name, format=None)
    (tmp_path / "b.psd").mkdir()
    assert plan_jobs(sources("a.png"), tmp_path / "b.psd", format=None)[0].target == tmp_path / "b.psd" / "a.png"
    assert plan_jobs(sources("a.png"), Path("b.tif"), format="tiff")[0].target == Path("b.tif")


def test_done_is_a_result_in_a_folder_that_is_newer(tmp_path):
    source, target = tmp_path / "a.png", tmp_path / "o" / "a.png"
    job = Job(source, target, Path("a"), True)
    source.write_bytes(b"x")
    assert not job.is_done
    target.parent.mkdir()
    target.write_bytes(b"x")
    os.utime(source, (1000, 1000))
    assert job.is_done
    assert not Job(source, target, Path("a"), False).is_done
    os.utime(target, (999, 999))
    assert not job.is_done


def test_side_files(tmp_path):
    jobs = plan_jobs(sources("sub/a.b.png", "c.png"), tmp_path / "o", format=None)
    masks = plan_side_files(tmp_path / "masks", jobs)
    assert masks.path(jobs[0], "mask") == tmp_path / "masks" / "sub" / "a.b_mask.png"
    assert (tmp_path / "masks" / "sub").is_dir()
    assert not plan_side_files(tmp_path / "x.png", jobs, may_be_file=True).is_file
    compare = plan_side_files(tmp_path / "x.png", jobs[:1], may_be_file=True)
    assert compare.path(jobs[0], "compare") == tmp_path / "x.png"


def test_side_files_overwrite_neither_inputs_nor_results(tmp_path):
    jobs = plan_jobs(sources("a.png", "a_mask.png", root=tmp_path), tmp_path / "o", format=None)
    for place in (tmp_path, tmp_path / "o"):
        with pytest.raises(InputError, match="would be overwritten"):
            plan_side_files(place, jobs).path(jobs[0], "mask")
    with pytest.raises(InputError, match="would be overwritten"):
        plan_side_files(tmp_path / "a.png", jobs[:1], may_be_file=True)
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(InputError, match="is a file"):
        plan_side_files(tmp_path / "file", jobs)


def test_report_path(tmp_path):
    jobs = plan_jobs(sources("a.png", root=tmp_path), tmp_path / "b.png", format=None)
    check_report_path(None, jobs)
    check_report_path(tmp_path / "r.json", jobs)
    for wrong in (tmp_path, tmp_path / "a.png", tmp_path / "b.png"):
        with pytest.raises(InputError):
            check_report_path(wrong, jobs)


def test_files_appear_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new" / "r.json"
    write_whole(path, b"one")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"two")
    assert path.read_bytes() == b"one" and os.listdir(path.parent) == ["r.json"]
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(InputError, match="cannot make the folder"):
        write_whole(tmp_path / "file" / "r.json", b"x")
