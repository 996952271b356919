"""Files that appear complete or not at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write that takes its place only when all went well.

    It is written beside its place under another name, with the permissions of any new file, and then moved there. Any
    exception, Ctrl-C included, removes it and leaves what was there before. Where `path` is a link, the file behind
    the link is replaced. Raises OSError when the folder is missing or cannot be written to.
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
