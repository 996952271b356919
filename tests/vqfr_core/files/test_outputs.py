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
    with pytest.raises(InputError, match=r"b.png is an input"):
        plan_jobs(sources("b.jpg", "b.png", root=tmp_path), tmp_path, format=None)
    assert plan_jobs(sources("a.jpg", root=tmp_path), tmp_path, format=None)[0].target == tmp_path / "a.png"


def test_two_pictures_never_become_one_file():
    one, other = sources("a.png", root=Path("x")), sources("a.png", root=Path("y"))
    with pytest.raises(InputError, match=r"x.a\.png and y.a\.png would both become o.a\.png"):
        plan_jobs(one + other, Path("o"), format=None)
    with pytest.raises(InputError, match="--format same"):
        plan_jobs(sources("a.png", "a.jpg"), Path("o"), format=None)
    jobs = plan_jobs(sources("a.png", "a.jpg"), Path("o"), format="same")
    assert targets(jobs) == ["o/a.png", "o/a.jpg"]
    assert len({job.name for job in jobs}) == 2


def test_out_that_cannot_be(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(InputError, match="is a file"):
        plan_jobs(sources("a.png", "b.png"), tmp_path / "file", format=None)
    with pytest.raises(InputError, match="contradict"):
        plan_jobs(sources("a.png"), Path("b.png"), format="jpg")
    with pytest.raises(InputError, match="cannot be written"):
        plan_jobs(sources("a.png"), Path("b.jp2"), format=None)
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
