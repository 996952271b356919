"""The WebUI's localizations: what it shows of ours, by the English text in its page."""

from collections.abc import Iterator

from tools.shown_words import ROOT, shown_words
from vqfr_core.options import GROUP_TITLES, OptionSpec, option_specs
from vqfr_core.page.controls import label_with_help
from vqfr_core.texts import Phrases, phrases

_NAMES = {"zh": "zh_CN", "zh-TW": "zh_TW", "ja": "ja_JP", "ko": "ko_KR", "ru": "ru_RU", "fr": "fr_FR", "es": "es_ES"}


def file_name(language: str) -> str:
    """As users' other localizations are named: the WebUI joins files of one name."""
    return f"{_NAMES.get(language, language.replace('-', '_'))}.json"


def localization(language: str) -> Phrases:
    """All that the tab, the script, Extras and the settings show. The WebUI knows whole texts, no placeholders."""
    known = phrases(language, "settings", "nodes", "page", "webui")
    words = [*shown_words(ROOT / "vqfr_core" / "page"), *shown_words(ROOT / "web" / "vqfr_webui")]
    texts = {word: known[word] for word in words if word in known and "{" not in word}
    more = "More on {title}"
    if more in known:
        texts |= {
            more.format(title=title): known[more].format(title=known[title])
            for title in GROUP_TITLES.values()
            if title in known
        }
    for spec in option_specs():
        texts |= dict(_setting(spec, known))
    return texts | _in_brackets(known)


def _setting(spec: OptionSpec, known: Phrases) -> Iterator[tuple[str, str]]:
    yield from ((text, known[text]) for text in (spec.label, spec.help) if text in known)
    if isinstance(spec.default, bool) and {spec.label, spec.help} <= set(known):
        yield label_with_help(spec.label, spec.help), label_with_help(known[spec.label], known[spec.help])


def _in_brackets(known: Phrases) -> Phrases:
    """The settings page shows every help so."""
    helps = [*(spec.help for spec in option_specs()), *shown_words(ROOT / "web" / "vqfr_webui" / "settings.py")]
    return {f"({text})": f"({known[text]})" for text in helps if text in known}
