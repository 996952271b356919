"""Words of a Gradio interface, found in its source."""

import pytest

from tools.shown_words import has_words, shown_words


def test_shown_words(tmp_path):
    (tmp_path / "tab.py").write_text(
        'HELP = "How to do it."\n'
        'gr.Button("Start", elem_id="start")\n'
        'gr.Slider(label="Speed", info=HELP)\n'
        'say(f"Press {button.name}.")\n'
        'print("nobody sees this")\n'
    )
    assert sorted(shown_words(tmp_path)) == ["How to do it.", "Press {button.name}.", "Speed", "Start"]
    assert shown_words(tmp_path / "tab.py") == shown_words(tmp_path)


@pytest.mark.parametrize(
    ("text", "is_to_translate"), [("SEGS", False), ("`all`", False), ("{a}: 0,2", False), ("on", True)]
)
def test_has_words(text, is_to_translate):
    assert has_words(text) is is_to_translate
