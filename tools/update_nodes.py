"""Update what is written from the catalogue of texts and the nodes' schemas: python tools/update_nodes.py

The tables of `nodes/web/docs/*.md`, these pages in other languages, `locales/` (ComfyUI) and `localizations/` (WebUI).
Translations are looked up by their English text in `vqfr_core/texts/`, so a changed text asks for a new translation;
those missing are listed.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from stand_ins.comfyui import Host, load_pack  # noqa: E402
from tools.help_pages import TABLE_WORDS, shown_name, texts_of, translate_page, with_tables  # noqa: E402
from tools.localizations import file_name, localization  # noqa: E402
from tools.shown_words import has_words, shown_words  # noqa: E402
from vqfr_core.options import GROUP_TITLES, option_specs  # noqa: E402
from vqfr_core.texts import capitalised, languages, phrases, read_sections  # noqa: E402

PAGES = ROOT / "nodes" / "web" / "docs"
LOCALES = ROOT / "locales"
LOCALIZATIONS = ROOT / "localizations"

Texts = dict[str, Any]
"""nodeDefs.json: by node id its display_name, description, inputs by id and outputs by index."""


def load_schemas() -> list[Any]:
    """The schemas of all nodes with an empty model folder; ComfyUI is not needed."""
    with tempfile.TemporaryDirectory() as models:
        pack = load_pack(Host(Path(models)), sys.modules)
        extension = asyncio.run(pack.comfy_entrypoint())
        return [node.define_schema() for node in asyncio.run(extension.get_node_list())]


def node_texts(schemas: Sequence[Any]) -> Texts:
    """English nodeDefs.json."""
    return {
        schema.node_id: {
            "display_name": schema.display_name,
            "description": schema.description,
            "inputs": {socket.id.replace(".", "_"): _socket_texts(socket) for socket in schema.inputs},
            "outputs": {str(index): _socket_texts(socket) for index, socket in enumerate(schema.outputs)},
        }
        for schema in schemas
    }


def phrases_of(texts: Any) -> Iterator[str]:
    """Every text to translate."""
    if isinstance(texts, str):
        yield texts
    else:
        for value in texts.values():
            yield from phrases_of(value)


def translate(texts: Any, phrases: dict[str, str]) -> Any:
    """The same structure in another language; untranslated texts stay English."""
    if isinstance(texts, str):
        return phrases.get(texts, texts)
    return {key: translate(value, phrases) for key, value in texts.items()}


def make_files(schemas: Sequence[Any]) -> dict[Path, str]:
    """All files this tool writes, with their contents."""
    texts = node_texts(schemas)
    categories = {"nodeCategories": {name: name for name in sorted({schema.category for schema in schemas})}}
    files = {LOCALES / "en" / "nodeDefs.json": _json(texts)}
    for language in languages():
        known = phrases(language)
        files[LOCALES / language / "nodeDefs.json"] = _json(translate(texts, known))
        files[LOCALES / language / "main.json"] = _json(translate(categories, known))
        files[LOCALIZATIONS / file_name(language)] = _json(localization(language))
    for schema in schemas:
        files |= _help_pages(schema)
    return files


def _help_pages(schema: Any) -> dict[Path, str]:
    """The English page with updated tables, and its translations."""
    page = _page(schema)
    files = {PAGES / f"{schema.node_id}.md": with_tables(page, schema)}
    for language in languages():
        say = partial(translate, phrases=phrases(language))
        files[PAGES / schema.node_id / f"{language}.md"] = with_tables(translate_page(page, say), schema, say)
    return files


def needed_texts(schemas: Sequence[Any]) -> dict[str, list[str]]:
    """What the catalogue should have, by section."""
    return {
        "settings": [*GROUP_TITLES.values(), *(text for spec in option_specs() for text in (spec.label, spec.help))],
        "nodes": [*phrases_of(node_texts(schemas)), *(schema.category for schema in schemas)],
        "page": shown_words(ROOT / "vqfr_core" / "page"),
        "webui": shown_words(ROOT / "web" / "vqfr_webui"),
        "help": [*TABLE_WORDS, *(text for schema in schemas for text in texts_of(_page(schema)))],
    }


def find_problems(schemas: Sequence[Any]) -> list[str]:
    """Missing translations, obsolete translations, and characters that ComfyUI's page would not show."""
    needed = needed_texts(schemas)
    wanted = {text for texts in needed.values() for text in texts if has_words(text)}
    problems = [f"en: no {{}}|@ may be in {text!r}" for text in sorted(set(needed["nodes"])) if _is_special(text)]
    for language in languages():
        known = phrases(language)
        problems += [f"{language}: no translation of {text!r}" for text in sorted(wanted - set(known))]
        stored = [text for section in read_sections(language).values() for text in section]
        problems += [
            f"{language}: nothing says {text!r} any more" for text in stored if not {text, capitalised(text)} & wanted
        ]
        shown = {known.get(text, "") for text in needed["nodes"]}
        problems += [f"{language}: no {{}}|@ may be in {text!r}" for text in sorted(shown) if _is_special(text)]
    return problems


def _is_special(text: str) -> bool:
    """Whether ComfyUI's page would take a part of it for a placeholder, a plural or a link."""
    return bool(set(text) & set("{}|@"))


def _page(schema: Any) -> str:
    return (PAGES / f"{schema.node_id}.md").read_text(encoding="utf-8")


def main() -> int:
    schemas = load_schemas()
    for path, content in make_files(schemas).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    problems = find_problems(schemas)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _socket_texts(socket: Any) -> dict[str, str]:
    return {"name": shown_name(socket), "tooltip": socket.settings["tooltip"]}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
