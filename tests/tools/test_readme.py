from pathlib import Path

from tools.update_readme import with_options

README = Path(__file__).parents[2] / "README.md"


def test_the_table_of_options_is_what_the_code_says():
    text = README.read_text(encoding="utf-8")
    assert with_options(text) == text, "run python tools/update_readme.py"


def test_pictures_of_the_readme_are_there():
    import re

    for target in re.findall(r"\]\(((?:docs|vqfr_core|training)[^)#]*)\)", README.read_text(encoding="utf-8")):
        assert (README.parent / target).exists(), target
