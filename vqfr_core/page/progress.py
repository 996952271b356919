"""Work that reports progress to the page, the same way in every version of Gradio."""

import queue
import threading
from collections.abc import Callable, Iterator

from .host import PageProgress
from .shown import Shown
from .words import count_done, say_progress

_Report = tuple[str, int, int]


def with_bar(work: Callable[[PageProgress], Shown]) -> Iterator[Shown]:
    """What to show while the work runs in its own thread, and finally its result."""
    reports: queue.SimpleQueue[_Report | Shown | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            reports.put(work(lambda what, done, total: reports.put((what, done, total))))
        except BaseException as error:  # re-raised where the page waits
            reports.put(error)

    threading.Thread(target=run, daemon=True).start()
    yield Shown(said=say_progress("Getting ready", 0, 0))
    while True:
        report = reports.get()
        if isinstance(report, BaseException):
            raise report
        if isinstance(report, Shown):
            yield report
            return
        what, done, total = report
        yield Shown(said=say_progress(count_done(what, done, total), done, total))
