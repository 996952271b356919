"""Messages while files are processed, for whoever shows them: the command line, the page, a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import VqfrError, is_out_of_memory, printable, reason

Progress = Callable[[int, int | None], None]
"""Called with (done, total)."""


class Reporter:
    """Reports nothing; subclasses show what they want."""

    def say(self, text: str) -> None:
        """The outcome of a picture."""

    def detail(self, text: str) -> None:
        """A detail for verbose output."""

    def note(self, text: str) -> None:
        """Something to know; the same note need not be shown twice."""

    def warn(self, text: str) -> None:
        """Something to look at."""

    def error(self, text: str) -> None:
        """What went wrong."""

    def failure(self, error: BaseException, about: str = "") -> None:
        """An exception that ended the work on one picture, `about`."""
        self.error(describe_failure(error, about))

    @contextmanager
    def bar(self, what: str, unit: str, *, in_bytes: bool = False) -> Iterator[Progress]:
        """Progress while the context lasts."""
        yield lambda done, total: None


def describe_failure(error: BaseException, about: str = "", hint: str = "--debug shows where") -> str:
    """Describe an exception. about: what it happened to, put in front unless the message already names it.

    hint: how to learn more about an unexpected error.
    """
    text, about = reason(error), printable(about)
    if not isinstance(error, VqfrError | OSError) and is_out_of_memory(error):
        text = f"not enough memory{f' ({text})' if text else ''}; close other programs or use a smaller picture"
    elif isinstance(error, OSError) and error.filename is not None:
        text = f"{printable(str(error.filename))}: {text}"
    elif not isinstance(error, VqfrError | OSError):
        text = f"unexpected {type(error).__name__}: {text} ({hint})"
    return text if not about or about in text else f"{about}: {text}"
