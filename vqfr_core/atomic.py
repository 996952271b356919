"""Atomic file writing."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a binary file for writing that replaces `path` only on success.

    It is written next to `path` under a temporary name, with the permissions of any new file, and then renamed. Any
    exception, including Ctrl-C, removes it and leaves the previous file. If `path` is a link, its target is replaced.
    Raises OSError when the folder is missing or cannot be written to.
    """
    target = Path(os.path.realpath(path))
    draft = target.with_name(f".vqfr-{uuid.uuid4().hex[:12]}.part")
    try:
        with draft.open("xb") as file:
            yield file
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
