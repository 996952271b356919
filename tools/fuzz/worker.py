"""A process that reads inputs, one after the other, and watches itself."""

import os
import random
import sys
import tempfile
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

MOST_BYTES = 2 << 30
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")


class Outcome(NamedTuple):
    is_deep: bool
    """It came to what decodes it."""
    fault: str
    """What went wrong; empty if nothing did."""
    peak_bytes: int
    """Of the process until now."""


def serve(pipe: Connection, name: str, seed: int, folder: Path) -> None:
    """Answer each number of an input with its outcome. folder: the only place to write in."""
    import resource

    _move_into(folder)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders say much
    from vqfr_core.errors import VqfrError

    from .targets import TARGETS, Reached

    reached, outside = Reached(), _Watch(folder)
    target = TARGETS[name][1](folder, reached)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    outside.is_on = True
    pipe.send(None)
    while True:
        number = pipe.recv()
        data = target.make(random.Random(f"{seed} {name} {number}"))
        reached.is_set, fault = False, ""
        try:
            target.run(data)
        except VqfrError:
            pass
        except BaseException:
            fault = traceback.format_exc(limit=-4)
        fault += "".join(outside.taken())
        pipe.send(Outcome(reached.is_set, fault, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10))


def _move_into(folder: Path) -> None:
    for name, variable in (("home", "HOME"), ("temp", "TMPDIR")):
        (folder / name).mkdir()
        os.environ[variable] = str(folder / name)
    os.environ.update({"VQFR_OFFLINE": "1", "VQFR_MODEL_DIR": str(folder / "models" / "VQFR")})
    tempfile.tempdir = None
    os.chdir(folder)
    import torch

    torch.set_num_threads(1)


class _Watch:
    """Notes what the process writes outside a folder, and programs and connections it starts."""

    def __init__(self, folder: Path) -> None:
        self.is_on = False
        self._folder, self._noted = os.path.realpath(folder), list[str]()
        sys.addaudithook(self._look)

    def taken(self) -> list[str]:
        noted, self._noted = self._noted, []
        return noted

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event in _STARTS:
            self._noted.append(f"{event} {arguments!r:.200}")
        elif event in _CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES):
            for path in arguments[: 2 if event in ("os.rename", "os.link") else 1]:
                self._check(event, path)

    def _check(self, event: str, path: Any) -> None:
        if isinstance(path, str | bytes | os.PathLike):
            real = os.path.realpath(os.fsdecode(path))
            if real != os.devnull and not real.startswith(self._folder + os.sep):
                self._noted.append(f"{event} {real}")
