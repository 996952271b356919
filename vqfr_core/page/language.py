"""The page in its visitors' languages. A WebUI translates its tabs itself, by `localizations/`."""

import json
from html import escape
from pathlib import Path

from ..texts import languages, phrases

_SECTIONS = ("settings", "nodes", "page")
_TRADITIONAL = ("zh-hant", "zh-hk", "zh-mo")


def translator_html(accepted: str) -> str:
    """An element that translates the page it is put into; "" for English. accepted: as for `wanted_language`."""
    language = wanted_language(accepted)
    if language is None:
        return ""
    script = Path(__file__).with_name("translate.js").read_text(encoding="utf-8")
    texts = json.dumps(phrases(language, *_SECTIONS), ensure_ascii=False)
    return f'<style onload="{escape(f"({script})({json.dumps(language)}, {texts})")}"></style>'


def wanted_language(accepted: str) -> str | None:
    """The first known language of an Accept-Language header, which browsers write in order; None for English."""
    for part in accepted.lower().split(","):
        tag = part.partition(";")[0].strip()
        if tag.partition("-")[0] == "en":
            return None
        if (language := _language_of(tag)) is not None:
            return language
    return None


def _language_of(tag: str) -> str | None:
    known = {language.lower(): language for language in languages()}
    tag = "zh-tw" if tag.startswith(_TRADITIONAL) else tag
    return known.get(tag) or known.get(tag.partition("-")[0])
