"""Names of results and side files: such as every file system takes, and never one for two inputs."""

import hashlib
import os
import re
import unicodedata
from pathlib import Path

_LONGEST_BYTES = 255
_IS_WINDOWS = os.name == "nt"
_DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)
"""What Windows opens as a device in any folder, with or without a suffix."""


def file_name(stem: str, ending: str) -> str:
    """The stem with an ending such as "_mask.png", in at most 255 bytes.

    A longer stem is cut, and a hash of it told apart from others cut at the same place. A name of a Windows device gets
    an underscore on Windows.
    """
    if is_device(stem):
        stem += "_"
    room = _LONGEST_BYTES - len(os.fsencode(ending))
    if len(os.fsencode(stem)) > room:
        mark = f"~{_hash(stem)}"
        stem = os.fsencode(stem)[: room - len(mark)].decode(errors="ignore") + mark
    return stem + ending


def is_device(name: str) -> bool:
    """Whether Windows, if this is Windows, would open a device instead of a file of this name."""
    return _IS_WINDOWS and _DEVICE.fullmatch(name) is not None


def suffix_mark(source: Path) -> str:
    """What tells apart a.jpg and a.png where both would become one file: "_jpg"."""
    return source.suffix.lower().replace(".", "_")


def path_mark(source: Path) -> str:
    """What tells apart x/a.jpg and y/a.jpg; it is the same in the next run."""
    return f"{suffix_mark(source)}_{_hash(str(source.absolute()))}"


def place_key(path: Path) -> str:
    """Equal for two paths that are one file on some file system, which ignores case or the form of accents."""
    return unicodedata.normalize("NFC", str(path)).casefold()


def _hash(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:8]
