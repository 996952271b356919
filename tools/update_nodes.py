"""Update help pages and locales from the nodes' schemas: python tools/update_nodes.py

The tables of `nodes/web/docs/*.md` and all of `locales/` come from the schemas in `nodes/`. Translations are looked
up by their English text in `nodes/texts/<language>.json`, so a changed text asks for a new translation.
"""

import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from stand_ins.comfyui import Host, load_pack  # noqa: E402
from vqfr_core.options import option_specs  # noqa: E402

PAGES = ROOT / "nodes" / "web" / "docs"
LOCALES = ROOT / "locales"
TRANSLATIONS = ROOT / "nodes" / "texts"

Texts = dict[str, Any]
"""nodeDefs.json: by node id its display_name, description, inputs by id and outputs by index."""


def load_schemas() -> list[Any]:
    """The schemas of all nodes with an empty model folder; ComfyUI is not needed."""
    with tempfile.TemporaryDirectory() as models:
        pack = load_pack(Host(Path(models)), sys.modules)
        extension = asyncio.run(pack.comfy_entrypoint())
        return [node.define_schema() for node in asyncio.run(extension.get_node_list())]


def shown_name(socket: Any) -> str:
    """Its name on the node. Inputs without a widget have no `display_name`, which would hide the translation."""
    return str(socket.settings.get("display_name") or socket.id.replace("_", " "))


def allowed_values(socket: Any) -> str:
    """The values of an input: its default and choices or range, or the type to connect."""
    settings = socket.settings
    if "default" not in settings:
        return str(socket.io_type) + (", optional" if settings.get("optional") else "")
    default = settings["default"]
    if socket.io_type == "COMBO":
        retired = next((spec.retired for spec in option_specs() if spec.name == socket.id), ())
        return f"{', '.join(value for value in settings['options'] if value not in retired)}; default {default}"
    if isinstance(default, bool):
        return f"on or off; default {'on' if default else 'off'}"
    if isinstance(default, str):
        return f"text; default {re.sub(',(?! )', ', ', default) or 'empty'}"
    return f"{settings['min']:g} to {settings['max']:g}; default {default:g}"


def input_table(schema: Any) -> str:
    """The inputs in Markdown. Two columns, because the panel beside the graph is narrow."""
    rows = [(shown_name(socket), socket.settings["tooltip"], allowed_values(socket)) for socket in schema.inputs]
    return _table("input", rows)


def output_table(schema: Any) -> str:
    rows = [(shown_name(socket), socket.settings["tooltip"], _output_type(socket)) for socket in schema.outputs]
    return _table("output", rows)


def with_tables(page: str, schema: Any) -> str:
    """A help page with updated tables between its markers."""
    for mark, table in (("inputs", input_table(schema)), ("outputs", output_table(schema))):
        marked = f"<!-- {mark} -->\n{table}\n<!-- /{mark} -->"
        escaped = marked.replace("\\", r"\\")
        page = re.sub(f"<!-- {mark} -->.*<!-- /{mark} -->", escaped, page, flags=re.DOTALL)
    return page


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
    for language, phrases in read_translations().items():
        files[LOCALES / language / "nodeDefs.json"] = _json(translate(texts, phrases))
        files[LOCALES / language / "main.json"] = _json(translate(categories, phrases))
    for schema in schemas:
        path = PAGES / f"{schema.node_id}.md"
        files[path] = with_tables(path.read_text(encoding="utf-8"), schema)
    return files


def read_translations() -> dict[str, dict[str, str]]:
    """By language, the translation of each English text."""
    paths = sorted(TRANSLATIONS.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def find_problems(schemas: Sequence[Any]) -> list[str]:
    """Missing translations, obsolete translations, and characters that the page would not show."""
    needed = {*phrases_of(node_texts(schemas)), *(schema.category for schema in schemas)}
    problems = []
    for language, phrases in read_translations().items():
        problems += [f"{language}: no translation of {text!r}" for text in sorted(needed - set(phrases))]
        problems += [f"{language}: no node says {text!r} any more" for text in sorted(set(phrases) - needed)]
        # ComfyUI's frontend treats these as placeholders, plurals and links.
        problems += [
            f"{language}: no {{}}|@ may be in {text!r}" for text in phrases.values() if set(text) & set("{}|@")
        ]
    return problems + [f"en: no {{}}|@ may be in {text!r}" for text in sorted(needed) if set(text) & set("{}|@")]


def main() -> int:
    schemas = load_schemas()
    for path, content in make_files(schemas).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    problems = find_problems(schemas)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _table(kind: str, rows: Sequence[tuple[str, str, str]]) -> str:
    lines = [f"| {kind} | what it is |", "| --- | --- |"]
    return "\n".join(lines + [f"| **{name}** | {text}<br>*{values}* |" for name, text, values in rows])


def _output_type(socket: Any) -> str:
    return str(socket.io_type) + (", a list" if socket.settings.get("is_output_list") else "")


def _socket_texts(socket: Any) -> dict[str, str]:
    return {"name": shown_name(socket), "tooltip": socket.settings["tooltip"]}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
