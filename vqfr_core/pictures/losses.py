"""What a file cannot keep of a picture: told to whoever collects it, else to the log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

logger = logging.getLogger(__name__)

_collected: ContextVar[list[str] | None] = ContextVar("losses", default=None)


@contextmanager
def collect_losses() -> Iterator[list[str]]:
    """Inside, a sentence for each loss goes to the list given, and not to the log."""
    losses: list[str] = []
    token = _collected.set(losses)
    try:
        yield losses
    finally:
        _collected.reset(token)


def tell_loss(text: str, level: int = logging.WARNING) -> None:
    """Report a loss. level: of the log, if nobody collects it."""
    losses = _collected.get()
    if losses is None:
        logger.log(level, "%s", text)
    else:
        losses.append(text)
