from PIL import ImageFont

from vqfr_core.drawing.text import load_font, text_size, wrap_text


def test_text_is_wrapped_at_spaces():
    font = load_font(14)
    text = wrap_text("0.52  less sure than 0.80 (0.52)", font, text_size("less sure than", font)[0])
    assert text.replace("\n", " ") == "0.52  less sure than 0.80 (0.52)"
    assert len(text.splitlines()) >= 3
    assert text_size(text, font)[1] > 2 * text_size("0.52", font)[1]


def test_an_old_pillow_has_one_size(monkeypatch):
    plain = ImageFont.load_default()

    def old(size=None):
        if size is not None:
            raise TypeError("load_default() takes 0 positional arguments")
        return plain

    monkeypatch.setattr(ImageFont, "load_default", old)
    assert load_font(40) is plain
