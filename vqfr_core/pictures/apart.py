"""Read picture files in processes of their own, which can be ended: for files from strangers.

A decoder that takes too long, wants too much memory or crashes ends its own process alone. This is no sandbox: the
process may do what this one may.
"""

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import prod
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import Cancelled, InputError, VqfrError, is_out_of_memory
from .losses import Loss, collect_losses, tell_loss
from .picture import Frame
from .picture_file import PictureFile
from .read import open_picture

MOST_SECONDS = 60.0
MOST_BYTES = 4 << 30
"""A picture of 100 million pixels with transparency needs 3 GB."""
_LOOK_S = 0.1
_PIECE = 1 << 22  # numbers that travel at once
_FACTS = ("info", "num_frames", "size", "num_pixels", "has_alpha")


class Readers:
    """The processes: one at first, later one for each file open at the same time. Use it as a context."""

    def __init__(self, most_seconds: float = MOST_SECONDS, most_bytes: int = MOST_BYTES) -> None:
        """most_seconds: for opening a file, and for each frame. most_bytes: what a process may allocate."""
        self.most_seconds, self._most_bytes = most_seconds, most_bytes
        self._resting: list[_Reader] = []
        self._lock = threading.Lock()

    def open(self, path: Path, max_pixels: int, should_stop: Callable[[], bool]) -> PictureFile:
        """`open_picture` in a process; should_stop ends it.

        Raises InputError as `open_picture` does, and for a file that takes too long or too much memory; Cancelled.
        """
        return _FileApart(self, Path(path), max_pixels, should_stop)

    def take(self) -> "_Reader":
        with self._lock:
            return self._resting.pop() if self._resting else _Reader(self._most_bytes)

    def give_back(self, reader: "_Reader") -> None:
        with self._lock:
            self._resting.append(reader)

    def __enter__(self) -> "Readers":
        self.give_back(_Reader(self._most_bytes))  # starting takes seconds
        return self

    def __exit__(self, *_error: object) -> None:
        while self._resting:
            self._resting.pop().end()


class _Reader:
    """A process, and the pipe to it."""

    def __init__(self, most_bytes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, most_bytes), daemon=True)
        self._process.start()
        theirs.close()

    def tell(self, request: Any) -> None:
        self._pipe.send(request)

    def ask(self, request: Any, most_seconds: float, should_stop: Callable[[], bool]) -> Any:
        """The answer. Without one the process has ended, and InputError or Cancelled is raised."""
        last = time.monotonic() + most_seconds
        try:
            self._pipe.send(request)
            while not self._pipe.poll(_LOOK_S):
                if should_stop():
                    raise Cancelled("stopped by the user")
                if time.monotonic() > last:
                    raise InputError(f"decoding took more than {most_seconds:g} s; save it in a simpler format")
            answer, losses = self._pipe.recv()
            for loss in losses:
                tell_loss(loss.text, is_usual=loss.is_usual)
            return self._received(answer)
        except (EOFError, OSError) as error:
            self.end()
            raise InputError("its decoder broke down: the file is damaged, or made to harm") from error
        except BaseException:
            self.end()
            raise

    def _received(self, answer: Any) -> Any:
        if not isinstance(answer, _FrameHead):
            return answer
        image = self._plane(answer.image)
        alpha = None if answer.alpha is None else self._plane(answer.alpha)
        return Frame(image, alpha, **answer.rest)

    def _plane(self, shape: tuple[int, ...]) -> Tensor:
        numbers = np.empty(prod(shape), np.float32)
        for piece in _pieces(numbers):
            self._pipe.recv_bytes_into(piece)
        return torch.from_numpy(numbers.reshape(shape))

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


class _FileApart(PictureFile):
    """See `PictureFile`."""

    def __init__(self, readers: Readers, path: Path, max_pixels: int, should_stop: Callable[[], bool]) -> None:
        self.path, self._readers, self._should_stop = path, readers, should_stop
        self._reader: _Reader | None = readers.take()
        try:
            vars(self).update(self._ask((path, max_pixels)))
        except InputError as error:
            raise error if str(path) in str(error) else InputError(f"{path}: {error}") from error

    def close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.tell(None)
            self._readers.give_back(reader)

    def _decode(self, number: int) -> Frame:
        frame: Frame = self._ask(number)
        return frame

    def _ask(self, request: Any) -> Any:
        reader, self._reader = self._reader, None
        if reader is None:
            raise InputError("the file is closed")
        answer = reader.ask(request, self._readers.most_seconds, self._should_stop)
        if isinstance(answer, VqfrError):  # it has closed the file
            self._readers.give_back(reader)
            raise answer
        self._reader = reader
        return answer


class _FrameHead(NamedTuple):
    """What travels before a frame's numbers: the shapes of both planes, and its other fields."""

    image: tuple[int, ...]
    alpha: tuple[int, ...] | None
    rest: dict[str, Any]


class _Sender(NamedTuple):
    """Sends answers, with what was lost in making them."""

    pipe: Connection
    losses: list[Loss]

    def send(self, answer: Any) -> None:
        self.pipe.send((answer, self.losses))
        self.losses.clear()


def _serve(pipe: Connection, most_bytes: int) -> None:
    """Read one file after the other, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the page
    _limit_memory(most_bytes)
    with suppress(EOFError, OSError), collect_losses() as losses:
        sender = _Sender(pipe, losses)
        while True:
            try:
                _serve_file(sender, *pipe.recv())
            except VqfrError as error:
                sender.send(error)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                sender.send(InputError("takes too much memory; reduce it or crop it to the part you need"))


def _serve_file(sender: _Sender, path: Path, max_pixels: int) -> None:
    with open_picture(path, max_pixels) as file:
        sender.send({name: getattr(file, name) for name in _FACTS})
        while (number := sender.pipe.recv()) is not None:
            frame = file.frame(number)
            planes = [plane.contiguous().numpy() for plane in (frame.image, frame.alpha) if plane is not None]
            alpha = None if frame.alpha is None else tuple(frame.alpha.shape)
            rest = {name: value for name, value in vars(frame).items() if name not in ("image", "alpha")}
            sender.send(_FrameHead(tuple(frame.image.shape), alpha, rest))
            for plane in planes:
                for piece in _pieces(plane.reshape(-1)):
                    sender.pipe.send_bytes(piece.data)


def _pieces(numbers: np.ndarray) -> Iterator[np.ndarray]:
    return (numbers[start : start + _PIECE] for start in range(0, len(numbers), _PIECE))


def _limit_memory(most_bytes: int) -> None:
    """Not on Windows, nor where the system does not know the limit."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, most_bytes))
