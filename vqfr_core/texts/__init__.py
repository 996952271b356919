"""The one catalogue of translations, for nodes, help pages, the page and the WebUI.

`<language>.json` here is one language. Its sections say where its texts are from; in each, the English text is the key.
`tools/update_nodes.py` lists what is missing.
"""

import json
from functools import cache
from pathlib import Path

Phrases = dict[str, str]
"""Translations by their English text."""

_FOLDER = Path(__file__).parent


def languages() -> list[str]:
    """Besides English, as ComfyUI names them: `ja`, `zh` (simplified), `zh-TW`."""
    return sorted(path.stem for path in _FOLDER.glob("*.json"))


@cache
def read_sections(language: str) -> dict[str, Phrases]:
    """The file of one of `languages`: phrases by section."""
    sections: dict[str, Phrases] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return sections


def phrases(language: str, *sections: str) -> Phrases:
    """The texts of these sections, all if none is named. What starts with a small letter also serves with a capital."""
    known = read_sections(language)
    texts = {english: text for name in sections or known for english, text in known[name].items()}
    return {capitalised(english): capitalised(text) for english, text in texts.items()} | texts


def capitalised(text: str) -> str:
    """With a capital first letter; `str.capitalize` would make the others small."""
    return text[:1].upper() + text[1:]
