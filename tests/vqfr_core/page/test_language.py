"""Which language a visitor gets."""

import pytest

from vqfr_core.page.language import translator_html, wanted_language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("ja", "ja"),
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("zh-CN,zh;q=0.9", "zh"),
        ("zh-TW,zh;q=0.9", "zh-TW"),
        ("zh-Hant-HK", "zh-TW"),
        ("de-DE,es;q=0.5", "es"),
        ("en-US,ja;q=0.5", None),
        ("de", None),
        ("*", None),
        ("", None),
    ],
)
def test_the_first_known_language_is_taken(accepted, language):
    assert wanted_language(accepted) == language


def test_english_needs_no_translator():
    assert translator_html("en-GB") == ""


def test_the_translator_brings_the_words_of_the_page_alone():
    html = translator_html("es")
    assert html.startswith('<style onload="') and html.count('"') == 2
    assert "Restaurar todo" in html
    assert "Conexión" not in html  # of the help pages
