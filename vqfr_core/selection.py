"""The expressions that select faces: "all", "largest", "0,2", "-1", "1:3". Imports nothing heavy."""

import re
from typing import NamedTuple

from .errors import InputError, shortened

WORDS = ("all", "none", "largest", "center")
_EXAMPLES = "all, none, largest, center, 0 (the first), -1 (the last), 0,2 or 1:3 (the second and the third)"
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_RANGE = re.compile(r"(-?[0-9]{1,18})?\s*:\s*(-?[0-9]{1,18})?")


class Span(NamedTuple):
    """A range of numbers with exclusive end; negative ones count from the last face."""

    start: int | None
    end: int | None


Part = str | int | Span
"""A word of WORDS, a number, or a range."""


def parse_selection(expression: str) -> tuple[Part, ...]:
    """The parts of an expression. Raises InputError for one it cannot parse."""
    return tuple(_parse_part(part.strip().lower(), expression) for part in expression.split(","))


def _parse_part(part: str, expression: str) -> Part:
    word = "center" if part == "centre" else part
    if word in WORDS:
        return word
    if _NUMBER.fullmatch(part):
        return int(part)
    span = _RANGE.fullmatch(part)
    if span:
        return Span(*(int(number) if number else None for number in span.groups()))
    raise InputError(
        f"select: cannot understand {shortened(part)!r} in {shortened(expression)!r}; examples: {_EXAMPLES}"
    )
