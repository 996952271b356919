"""What a file cannot keep of a picture: told to whoever collects it, else to the log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

logger = logging.getLogger(__name__)


class Loss(NamedTuple):
    """What was lost, in a sentence."""

    text: str
    is_usual: bool
    """The format always costs this, so only a report needs to say so."""


_collected: ContextVar[list[Loss] | None] = ContextVar("losses", default=None)


@contextmanager
def collect_losses() -> Iterator[list[Loss]]:
    """Inside, losses go to the list given, and not to the log. Within another such context it is the other's list."""
    outer = _collected.get()
    if outer is not None:
        yield outer
        return
    losses: list[Loss] = []
    token = _collected.set(losses)
    try:
        yield losses
    finally:
        _collected.reset(token)


def tell_loss(text: str, *, is_usual: bool = False) -> None:
    """Report a loss, in a sentence. is_usual: see `Loss`."""
    losses = _collected.get()
    if losses is None:
        logger.log(logging.INFO if is_usual else logging.WARNING, "%s", text)
    else:
        losses.append(Loss(text, is_usual))
