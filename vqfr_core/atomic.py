"""Atomic file writing."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows, which does not delete a file that is open
    fcntl = None  # type: ignore[assignment]

_PREFIX, _SUFFIX = ".vqfr-", ".part"


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file for writing that replaces `path` only on success.

    It is written next to `path` under a temporary name, with the permissions of any new file, and then renamed. Any
    exception, including Ctrl-C, removes it and leaves the previous file. If `path` is a link, the link is replaced, not
    what it leads to. Raises OSError when the folder is missing or cannot be written to.
    """
    target = Path(path)
    draft = target.with_name(f"{_PREFIX}{uuid.uuid4().hex[:12]}{_SUFFIX}")
    try:
        with draft.open("xb") as file, _locked(file):
            yield file
            file.close()
            draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def clear_drafts(folder: Path) -> None:
    """Remove what writers that were killed left in a folder. What is still being written stays."""
    for draft in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with suppress(OSError), draft.open("rb") as file, _locked(file) as is_free:
            file.close()
            if is_free:
                draft.unlink()


@contextmanager
def _locked(file: BinaryIO) -> Iterator[bool]:
    """Whether nobody else has locked the file. Our lock lasts until the context ends, even if the file is closed."""
    if fcntl is None:
        yield True
        return
    held = os.dup(file.fileno())
    try:
        is_free = True
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # locked, or a file system without locks
            is_free = False
        yield is_free
    finally:
        os.close(held)
