"""Help pages and translations say what the schemas say."""

import json
import re
from dataclasses import replace

import pytest

from stand_ins.comfyui import Host
from tools.update_nodes import LOCALES, PAGES, find_problems, make_files
from vqfr_core.texts import languages, phrases

LANGUAGES = ("en", *languages())


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    """An empty model folder: the pages list no file of ours."""
    return Host(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def schemas(pack):
    return [node.define_schema() for node in pack.nodes_by_id.values()]


def read_locale(language, name="nodeDefs"):
    return json.loads((LOCALES / language / f"{name}.json").read_text(encoding="utf-8"))


def test_tables_locales_and_localizations_are_up_to_date(schemas):
    for path, content in make_files(schemas).items():
        assert path.read_text(encoding="utf-8") == content, f"{path}: run python tools/update_nodes.py"
    assert find_problems(schemas) == []


def test_a_changed_text_asks_for_translations(schemas):
    changed = replace(schemas[0], description="Either | or.")
    problems = find_problems([changed, *schemas[1:]])
    for language in LANGUAGES[1:]:
        assert f"{language}: no translation of 'Either | or.'" in problems
        assert f"{language}: nothing says {schemas[0].description!r} any more" in problems
    assert "en: no {}|@ may be in 'Either | or.'" in problems


def test_every_node_has_a_help_page_and_nothing_else_has(schemas):
    assert {path.stem for path in PAGES.glob("*.md")} == {schema.node_id for schema in schemas}
    for schema in schemas:
        assert {path.stem for path in (PAGES / schema.node_id).iterdir()} == set(languages())
        page = (PAGES / f"{schema.node_id}.md").read_text(encoding="utf-8")
        for heading in ("## Wiring", "<!-- inputs -->\n|", "<!-- outputs -->\n|", f"**{schema.display_name}**"):
            assert heading in page, (schema.node_id, heading)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_input_and_output_is_named_and_nothing_else(schemas, language):
    texts = read_locale(language)
    assert set(texts) == {schema.node_id for schema in schemas}
    for schema in schemas:
        node = texts[schema.node_id]
        assert node["display_name"] and node["description"]
        assert list(node["inputs"]) == [socket.id for socket in schema.inputs]
        assert list(node["outputs"]) == [str(index) for index in range(len(schema.outputs))]
        for socket in [*node["inputs"].values(), *node["outputs"].values()]:
            assert socket["name"] and socket["tooltip"]


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_text_is_left_in_english(language):
    english, texts = read_locale("en"), read_locale(language)
    for node_id, node in english.items():
        translated = texts[node_id]
        assert translated["display_name"] != node["display_name"]
        assert translated["description"] != node["description"]
        for kind in ("inputs", "outputs"):
            for key, socket in node[kind].items():
                assert translated[kind][key]["tooltip"] != socket["tooltip"], (node_id, key)
    (category,) = read_locale(language, "main")["nodeCategories"].items()
    assert category[0] != category[1]


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_texts_call_nodes_by_their_names(language):
    known = phrases(language)
    names = sorted({node["display_name"] for node in read_locale("en").values()}, key=len, reverse=True)
    for english, text in known.items():
        for name in re.findall("|".join(map(re.escape, names)), english):
            assert known[name] in text, english


def test_inputs_without_a_widget_leave_their_name_to_the_locales(schemas):
    # ComfyUI's page would show a display_name in place of the translation.
    sockets = [socket for schema in schemas for socket in schema.inputs if "default" not in socket.settings]
    assert {socket.settings["display_name"] for socket in sockets if "display_name" in socket.settings} == {"SEGS"}


def test_example_workflows_leave_names_to_the_locales():
    paths = sorted((LOCALES.parent / "example_workflows").glob("*.json"))
    graphs = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    assert graphs
    sockets = [socket for graph in graphs for node in graph["nodes"] for socket in node.get("inputs", [])]
    assert not [socket["name"] for socket in sockets if "label" in socket]


def test_messages_explained_in_the_pages_exist():
    code = said_by_the_code()
    for page in PAGES.glob("*.md"):
        text = " ".join(page.read_text(encoding="utf-8").split())
        messages = [message for bold in re.findall(r"\*\*(.*?)\*\*", text) for message in re.findall('"([^"]+)"', bold)]
        for part in (part.strip() for message in messages for part in re.split(r"\.\.\.|\d+", message)):
            assert part in code, f"{page.name}: no code says {part!r}"


def said_by_the_code():
    """The sources with the parts of each message joined."""
    paths = [path for folder in ("nodes", "vqfr_core") for path in (LOCALES.parent / folder).rglob("*.py")]
    return re.sub(r'"\s*f?"', "", "".join(path.read_text(encoding="utf-8") for path in paths))
