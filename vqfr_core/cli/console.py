"""Console output: lines on stdout, errors and notes on stderr, progress bars on a terminal."""

import logging
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TextIO

from ..errors import printable
from ..files.reporter import Progress, Reporter, describe_failure


class Console(Reporter):
    """Use it as a context: inside, the package's log goes to stderr, between the bars."""

    def __init__(self, *, quiet: bool = False, verbose: bool = False, debug: bool = False) -> None:
        self.quiet = quiet
        self.debug = debug
        self._level = logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING
        self._log = logging.getLogger(__name__.rpartition(".cli")[0])
        self._handler = _LogHandler(self)
        self._noted: set[str] = set()

    def __enter__(self) -> "Console":
        self._level_before = self._log.level
        self._log.setLevel(self._level)
        self._log.addHandler(self._handler)
        self._showwarning, warnings.showwarning = warnings.showwarning, self._show_warning  # type: ignore[assignment]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        warnings.showwarning = self._showwarning
        self._log.removeHandler(self._handler)
        self._log.setLevel(self._level_before)

    def _show_warning(self, message: Warning | str, *_: object) -> None:
        """Other packages' warnings, without the lines of code that Python adds."""
        self.detail(f"warning: {message}")

    def say(self, text: str) -> None:
        """Print lines on stdout, unless quiet."""
        if not self.quiet:
            _write("\n".join(map(printable, text.split("\n"))), sys.stdout)

    def detail(self, text: str) -> None:
        """Print a line on stderr if verbose."""
        if self._level == logging.INFO:
            _write(printable(text), sys.stderr)

    def note(self, text: str) -> None:
        """Print a line on stderr, unless quiet; each one only once."""
        if not self.quiet and text not in self._noted:
            self._noted.add(text)
            _write(f"note: {printable(text)}", sys.stderr)

    def warn(self, text: str) -> None:
        """Print a line on stderr, unless quiet."""
        if not self.quiet:
            _write(f"warning: {printable(text)}", sys.stderr)

    def error(self, text: str) -> None:
        """Print one line on stderr, always."""
        _write(f"error: {printable(text)}", sys.stderr)

    def failure(self, error: BaseException, about: str = "") -> None:
        """Print an exception in one line, with its traceback when debugging."""
        if self.debug:
            _write("".join(traceback.format_exception(error)), sys.stderr)
        self.error(describe_failure(error, about))

    @contextmanager
    def bar(self, what: str, unit: str, *, in_bytes: bool = False) -> Iterator[Progress]:
        """A progress bar on stderr that appears on the first call of the function it gives, with (done, total)."""
        from tqdm import tqdm

        bar: tqdm | None = None
        started = time.time()

        def progress(done: int, total: int | None) -> None:
            nonlocal bar
            if bar is None:
                is_hidden = self.quiet or not sys.stderr.isatty()
                bar = tqdm(total=total, desc=what, unit=unit, unit_scale=in_bytes, leave=False, disable=is_hidden)
                bar.start_t = started
            bar.total = total
            bar.n = done
            bar.refresh()

        try:
            yield progress
        finally:
            if bar is not None:
                bar.close()


class _LogHandler(logging.Handler):
    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR or not self._console.quiet:
            _write(f"{record.levelname.lower()}: {printable(record.getMessage())}", sys.stderr)


def _write(text: str, stream: TextIO) -> None:
    from tqdm import tqdm

    tqdm.write(text, file=stream)
    stream.flush()
