from dataclasses import replace

from PIL import Image

from vqfr_core.pictures import formats, open_picture
from vqfr_core.pictures.formats import FORMATS, READABLE_SUFFIXES, WRITABLE_SUFFIXES, format_of


def test_each_ending_belongs_to_one_format():
    suffixes = [suffix for format in FORMATS for suffix in format.suffixes]
    assert len(set(suffixes)) == len(suffixes) and suffixes == [suffix.lower() for suffix in suffixes]
    assert set(WRITABLE_SUFFIXES) < set(READABLE_SUFFIXES)
    assert format_of(".JPEG") is format_of(".jpg") and format_of(".xyz") is None


def test_formats_are_spelt_as_pillow_does():
    Image.init()
    known = Image.registered_extensions()
    for format in FORMATS:
        for suffix in format.suffixes:
            assert known.get(suffix, format.name) in (format.name, "JPEG", "PNG")
    assert {format.offered for format in FORMATS} == {"", ".png", ".jpg", ".webp", ".tiff"}


def test_which_files_have_pages_and_which_move_follows_from_the_table(monkeypatch, tmp_path):
    stills = [Image.new("RGB", (4, 4), color) for color in ("red", "blue")]
    stills[0].save(tmp_path / "a.gif", save_all=True, append_images=stills[1:], duration=50)
    stills[0].save(tmp_path / "a.tif", save_all=True, append_images=stills[1:])
    changed = {"GIF": {"animation": False}, "TIFF": {"pages": False}}
    rows = tuple(replace(row, **changed.get(row.name, {})) for row in formats.FORMATS)
    monkeypatch.setattr(formats, "FORMATS", rows)
    with open_picture(tmp_path / "a.gif") as file:
        assert file.num_frames == 1
    with open_picture(tmp_path / "a.tif") as file:
        assert file.num_frames == 2 and not file.is_paged
