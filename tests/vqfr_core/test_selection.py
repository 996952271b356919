import subprocess
import sys

import pytest

from vqfr_core.errors import InputError
from vqfr_core.options import SelectOptions
from vqfr_core.selection import Span, parse_selection


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("all", ("all",)),
        ("0:99999999999", (Span(0, 99999999999),)),
        ("none,largest", ("none", "largest")),
        (" Centre , CENTER", ("center", "center")),
        ("0,2", (0, 2)),
        ("-1, 3 ", (-1, 3)),
        ("1:3", (Span(1, 3),)),
        (":2,-2 :,:", (Span(None, 2), Span(-2, None), Span(None, None))),
    ],
)
def test_what_expressions_mean(expression, parts):
    assert parse_selection(expression) == parts


@pytest.mark.parametrize(
    "expression", ["", "first", "1-3", "0,,1", "1:2:3", "1.5", "0 1", "the third one", "\u0661", "1:\u0663"]
)
def test_what_cannot_be_understood_is_refused_with_examples(expression):
    for refuse in (parse_selection, lambda text: SelectOptions(select=text)):
        with pytest.raises(InputError, match=r"select: cannot understand .* examples: all, none, largest, center, 0 "):
            refuse(expression)


def test_nothing_heavy_is_imported():
    code = "import sys, vqfr_core.selection; sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'PIL')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
