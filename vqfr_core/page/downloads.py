"""Downloads of models, counted and stopped like other work."""

from collections.abc import Callable

from ..errors import Cancelled
from .host import PageHost, PageProgress


def fetch_model(host: PageHost, model: str, should_stop: Callable[[], bool], progress: PageProgress) -> None:
    """Download a choice of the host if it is missing. Raises Cancelled, and what `PageHost.fetch` does."""
    counted = set[int]()

    def tell(done: int, total: int | None) -> None:
        if should_stop():
            raise Cancelled("the download was stopped")
        if done >> 20 not in counted:
            counted.add(done >> 20)
            progress("MB", done >> 20, (total or done) >> 20)

    host.fetch(model, tell)
