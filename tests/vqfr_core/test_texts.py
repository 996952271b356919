"""The catalogue of translations; tests/nodes/test_texts.py says that it is complete."""

import re

import pytest

from vqfr_core.texts import capitalised, languages, phrases, read_sections

SAME_IN = {
    "fr": {"image", "grain", "score"},
    "es": {"detector", "no"},
}
"""Words that are the same in English."""


def test_the_languages_are_those_of_comfyui():
    assert languages() == ["es", "fr", "ja", "ko", "ru", "zh", "zh-TW"]


@pytest.mark.parametrize("language", languages())
def test_code_numbers_messages_and_what_is_filled_in_stay_as_they_are(language):
    for english, text in phrases(language).items():
        assert code_in(text) == code_in(english), english
        for number in re.findall(r"\d+\.\d+|\d{2,}", english):
            assert number in text, english
        for message in messages_in(english):
            assert f'"{message}"' in text, english


def code_in(text):
    return sorted(re.findall(r"`[^`]*`|\{[^}]*\}", text))


def messages_in(text):
    """Nodes say these in English in every language."""
    return [message for bold in re.findall(r"\*\*(.*?)\*\*", text) for message in re.findall('"([^"]+)"', bold)]


@pytest.mark.parametrize("language", languages())
def test_texts_are_translated(language):
    texts = phrases(language)
    same = {text for text in texts if texts[text] == text and text[:1].islower()}
    assert same <= SAME_IN.get(language, set())
    assert sum(texts[text] == text for text in texts) < 0.05 * len(texts)


@pytest.mark.parametrize("language", languages())
def test_no_text_is_in_two_sections(language):
    texts = [text for section in read_sections(language).values() for text in section]
    assert sorted(texts) == sorted(set(texts))


def test_a_label_is_found_by_the_name_of_its_input():
    assert phrases("fr")["opacity"] == "opacité"
    assert phrases("fr", "settings")["Opacity"] == "Opacité"


def test_capitalised_leaves_the_other_letters():
    assert capitalised("vqfr on an RGB picture") == "Vqfr on an RGB picture"
    assert capitalised("") == ""
