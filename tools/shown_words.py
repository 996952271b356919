"""Find the words that a Gradio interface shows, in its sources."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_KEYWORDS = {"label", "info", "placeholder", "title"}
_CALLS = {"Button", "Tab", "Accordion", "make_image", "say", "info"}
"""Whose first argument is shown."""
_CONSTANTS = {"_CHECKBOXES", "_COLUMNS", "_DOWN", "_HINT", "_TARGETS", "GROUP_TITLES", "HELP", "label"}
_IN_HTML = re.compile(r'''>([^<>{]+)<|(?:aria-label|alt|title)="([^"{]+)"''')


def shown_words(source: Path) -> list[str]:
    """Those of a file or a folder, each once, in order. What an f-string fills in is `{expression}`."""
    paths = sorted(source.rglob("*.py")) if source.is_dir() else [source]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    found = [text for tree in trees for node in ast.walk(tree) for text in _words_of(node)]
    return list(dict.fromkeys(text for text in found if has_words(text)))


def has_words(text: str) -> bool:
    """Whether there is something to translate: not only names in capitals, code, and what is filled in."""
    return re.search("[a-z]{2}", re.sub(r"\{.*?\}|`.*?`", "", text)) is not None


def _words_of(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        shown = [word.value for word in node.keywords if word.arg in _KEYWORDS]
        for value in [*(node.args[:1] if name in _CALLS else ()), *shown]:
            yield from _texts_of(value)
    elif isinstance(node, ast.Assign) and {getattr(target, "id", "") for target in node.targets} & _CONSTANTS:
        yield from _texts_of(node.value)
    elif isinstance(node, ast.comprehension):
        yield from (text for text in _texts_of(node.iter) if text != text.lower())
    elif isinstance(node, ast.Constant | ast.JoinedStr):
        html = "".join(_texts_of(node))
        yield from (text.strip() for found in _IN_HTML.findall(html) for text in found)


def _texts_of(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip():
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(map(_filled, node.values))
    elif isinstance(node, ast.Tuple):
        yield from (text for part in node.elts for text in _texts_of(part))
    elif isinstance(node, ast.Dict):
        yield from (text for part in node.values for text in _texts_of(part))
    elif isinstance(node, ast.IfExp):
        yield from (text for part in (node.body, node.orelse) for text in _texts_of(part))


def _filled(part: ast.expr) -> str:
    return f"{{{ast.unparse(part.value)}}}" if isinstance(part, ast.FormattedValue) else str(ast.literal_eval(part))
