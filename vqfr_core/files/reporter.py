"""What is told while files are worked on, by whoever shows it: the command line, the page, a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import VqfrError

Progress = Callable[[int, int | None], None]
"""Called with (done, total)."""


class Reporter:
    """Says nothing; those who show something say it in its place."""

    def say(self, text: str) -> None:
        """What came of a picture."""

    def detail(self, text: str) -> None:
        """What only some want to know."""

    def note(self, text: str) -> None:
        """What one should know; the same need not be shown again."""

    def error(self, text: str) -> None:
        """What went wrong."""

    def failure(self, error: BaseException, about: str = "") -> None:
        """An exception that ended the work on one picture. about: which."""
        self.error(describe_failure(error, about))

    @contextmanager
    def bar(self, what: str, unit: str, *, in_bytes: bool = False) -> Iterator[Progress]:
        """How far something is, while the context lasts."""
        yield lambda done, total: None


def describe_failure(error: BaseException, about: str = "", hint: str = "--debug shows where") -> str:
    """An exception in words. about: what it happened to, put in front unless the message says so itself.

    hint: how to learn more about an error that nobody expected.
    """
    text = str(error)
    if isinstance(error, MemoryError):
        text = f"not enough memory{f' ({text})' if text else ''}; close other programs or take a smaller picture"
    elif not isinstance(error, VqfrError | OSError):
        text = f"unexpected {type(error).__name__}: {text} ({hint})"
    return text if not about or about in text else f"{about}: {text}"
