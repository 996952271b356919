"""Whose turn it is: a few at once, the others in the order they came, and no endless queue."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import VqfrError


class BusyError(VqfrError):
    """Too many wait already."""


class Turns:
    """A queue for threads."""

    def __init__(self, most_at_once: int, most_waiting: int) -> None:
        self.most_at_once, self.most_waiting = most_at_once, most_waiting
        self._queue: list[object] = []
        self._changed = threading.Condition()

    @property
    def num_waiting(self) -> int:
        return max(0, len(self._queue) - self.most_at_once)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a place and hold it. BusyError if too many wait."""
        me = object()
        with self._changed:
            if len(self._queue) >= self.most_at_once + self.most_waiting:
                raise BusyError(f"{self.most_waiting} requests wait already; try again later")
            self._queue.append(me)
            self._changed.wait_for(lambda: me in self._queue[: self.most_at_once])
        try:
            yield
        finally:
            with self._changed:
                self._queue.remove(me)
                self._changed.notify_all()
