"""The errors a user can meet. Each message says what was wrong, where, and what to do next."""

import os
import re
import unicodedata

_LONGEST = 2000
_NAME = r"[^\\/:*?\"<>|\s](?:[^\\/:*?\"<>|\n]*[^\\/:*?\"<>|\s])?"
_ROOT = r"(?<![\w:/\\.])(?:[A-Za-z]:[\\/]+|\\\\+|/+)"
_FOLDERS = re.compile(rf"{_ROOT}(?:{_NAME}[\\/]+)*(?=\S)")


def shortened(text: object, most: int = 300) -> str:
    """A text without its middle, if it is long."""
    shown = str(text)
    return shown if len(shown) <= most else f"{shown[: most * 3 // 4]} ... {shown[-most // 4 :]}"


def printable(text: str) -> str:
    """A text with names from files, on one line: without what a terminal would obey, and of bounded length."""
    short = shortened(" ".join(text.splitlines()), _LONGEST)
    return "".join(c if _is_harmless(c) else c.encode("unicode_escape").decode() for c in short)


def reason(error: BaseException) -> str:
    """What an exception says, of one from the system only the words: "No space left on device"."""
    return printable(getattr(error, "strerror", None) or str(error))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, PyTorch or OpenCV means that memory ran out, on any device."""
    words = ("out of memory", "can't allocate memory", "not enough memory", "insufficient memory")
    is_stated = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return is_stated or any(text in str(error).lower() for text in words)


def _is_harmless(character: str) -> bool:
    """Printable, or one of the wide and narrow spaces that names have."""
    return character.isprintable() or unicodedata.category(character) == "Zs"


def without_folders(text: str) -> str:
    """A text with only the last names of absolute paths: for readers who have no business on this computer.

    Names of folders may have any character, so those that exist are looked for first.
    """
    for start in reversed([root.start() for root in re.finditer(_ROOT, text)]):
        text = text[:start] + text[_end_of_folders(text, start) :]  # from a separator
    return _FOLDERS.sub("", text)


def _end_of_folders(text: str, start: int) -> int:
    """Where the last of the folders that exist, one in the other, ends on the path that begins there."""
    end = start
    for place in range(start + 1, len(text)):
        if text[place] in (os.sep, os.altsep):
            if not os.path.isdir(text[start:place]):  # noqa: PTH112  Path.is_dir raises for what may not be entered
                break
            end = place
    return end


class VqfrError(Exception):
    """Base of every error this package raises on purpose.

    Messages name files and quote what is in them, so they are made printable.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class InputError(VqfrError, ValueError):
    """An argument, image or option has an unusable value."""


class WeightsError(VqfrError):
    """A weight file is missing, damaged, unsafe, or not of the expected kind."""


class UnknownWeightsError(WeightsError, InputError):
    """There is neither a file nor a known network of a name."""


class DownloadError(WeightsError):
    """A weight file could not be fetched or did not pass verification."""


class OutOfMemoryError(VqfrError):
    """The device has too little memory for even the smallest piece of work."""


class RestorationError(VqfrError):
    """The network failed on a face; the message says which face and why."""


class Cancelled(VqfrError):
    """The caller's cancellation callback asked to stop."""
