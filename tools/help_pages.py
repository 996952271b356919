"""The nodes' help pages: tables from the schemas, and the whole page in other languages."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from vqfr_core.options import option_specs

Say = Callable[[str], str]
"""A text in the page's language."""

TABLE_WORDS = (
    "input",
    "output",
    "what it is",
    "{type}, optional",
    "{type}, a list",
    "{values}; default {default}",
    "{low} to {high}",
    "on or off",
    "on",
    "off",
    "text",
    "empty",
)
"""What the tables say besides the schemas' texts."""
_TABLE = re.compile(r"<!-- (\w+) -->.*?<!-- /\1 -->", re.DOTALL)


def as_it_is(text: str) -> str:
    return text


def with_tables(page: str, schema: Any, say: Say = as_it_is) -> str:
    """A help page with updated tables between its markers."""
    tables = {"inputs": input_table(schema, say), "outputs": output_table(schema, say)}
    return _TABLE.sub(lambda found: f"<!-- {found[1]} -->\n{tables[found[1]]}\n<!-- /{found[1]} -->", page)


def translate_page(page: str, say: Say) -> str:
    """A page's headings, paragraphs, list items and table cells, each as one text. Tables between markers are left."""
    return "\n\n".join(_translate_block(block, say) for block in page.strip().split("\n\n")) + "\n"


def texts_of(page: str) -> list[str]:
    """What `translate_page` translates."""
    texts = []

    def noted(text: str) -> str:
        texts.append(text)
        return text

    translate_page(page, noted)
    return texts


def _translate_block(block: str, say: Say) -> str:
    if block.startswith("<!--"):
        return block
    if block.startswith("|"):
        return "\n".join(row if row.startswith("| ---") else _translate_row(row, say) for row in block.split("\n"))
    if block.startswith("- "):
        return "\n".join(f"- {say(_unwrapped(item))}" for item in re.split(r"^- ", block, flags=re.MULTILINE)[1:])
    mark, text = ("## ", block[3:]) if block.startswith("## ") else ("", block)
    return mark + say(_unwrapped(text))


def _translate_row(row: str, say: Say) -> str:
    return f"| {' | '.join(say(cell) for cell in row.strip('| ').split(' | '))} |"


def _unwrapped(text: str) -> str:
    return " ".join(text.split())


def input_table(schema: Any, say: Say = as_it_is) -> str:
    """The inputs in Markdown. Two columns, because the panel beside the graph is narrow."""
    return _table("input", schema.inputs, allowed_values, say)


def output_table(schema: Any, say: Say = as_it_is) -> str:
    return _table("output", schema.outputs, _output_type, say)


def _table(kind: str, sockets: Sequence[Any], values_of: Callable[[Any, Say], str], say: Say) -> str:
    lines = [f"| {say(kind)} | {say('what it is')} |", "| --- | --- |"]
    for socket in sockets:
        name, tooltip = say(shown_name(socket)), say(socket.settings["tooltip"])
        lines.append(f"| **{name}** | {tooltip}<br>*{values_of(socket, say)}* |")
    return "\n".join(lines)


def shown_name(socket: Any) -> str:
    """Its name on the node. Inputs without a widget have no `display_name`, which would hide the translation."""
    return str(socket.settings.get("display_name") or socket.id.replace("_", " "))


def allowed_values(socket: Any, say: Say = as_it_is) -> str:
    """The values of an input: its default and choices or range, or the type to connect."""
    settings, type = socket.settings, str(socket.io_type)
    if "default" not in settings:
        return say("{type}, optional").format(type=type) if settings.get("optional") else type
    values, default = _values(socket, say)
    return say("{values}; default {default}").format(values=values, default=default)


def _values(socket: Any, say: Say) -> tuple[str, str]:
    """All values, and the default."""
    settings, default = socket.settings, socket.settings["default"]
    if socket.io_type == "COMBO":
        retired = next((spec.retired for spec in option_specs() if spec.name == socket.id), ())
        return ", ".join(value for value in settings["options"] if value not in retired), default
    if isinstance(default, bool):
        return say("on or off"), say("on" if default else "off")
    if isinstance(default, str):
        return say("text"), re.sub(",(?! )", ", ", default) or say("empty")
    low, high = f"{settings['min']:g}", f"{settings['max']:g}"
    return say("{low} to {high}").format(low=low, high=high), f"{default:g}"


def _output_type(socket: Any, say: Say) -> str:
    type = str(socket.io_type)
    return say("{type}, a list").format(type=type) if socket.settings.get("is_output_list") else type
