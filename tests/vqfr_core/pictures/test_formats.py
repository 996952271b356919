from PIL import Image

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
