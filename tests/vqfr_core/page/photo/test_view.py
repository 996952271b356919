import pytest

from vqfr_core.page.photo.view import toggled
from vqfr_core.page.words import say


@pytest.mark.parametrize(
    ("number", "chosen", "total", "expected"),
    [(0, [0, 1, 2], 3, "1,2"), (1, [0, 2], 3, "all"), (2, [2], 3, "none"), (2, [0], 4, "0,2")],
)
def test_a_click_turns_a_choice_round(number, chosen, total, expected):
    assert toggled(number, chosen, total) == expected


def test_what_is_said_is_no_html():
    assert "<script>" not in say("<script>alert(1)</script>", "error")
