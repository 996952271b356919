"""Recognise weight files by their first bytes and, for pickles, by what they name. Nothing is executed."""

import pickletools
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Literal

from ..errors import WeightsError

FileKind = Literal["safetensors", "torch"]
Find = Callable[[IO[bytes]], Iterator[str]]
"""Reads a pickle up to its end and gives what it looks for."""

_MOST_PICKLES = 8
_HEAD = 512
_MAX_SAFETENSORS_HEADER = 100_000_000
_HARMLESS = ("collections.OrderedDict", "torch._utils._rebuild_", "torch.Size")


def file_kind(path: Path) -> FileKind:
    """Which reader the file is for; WeightsError if it is clearly not a weight file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise WeightsError(
            f"cannot read {path}: {error.strerror or error}; check the path and its permissions"
        ) from error
    _refuse_lookalikes(path, head)
    if head[8:9] != b"{":
        return "torch"
    header = int.from_bytes(head[:8], "little")
    if header > _MAX_SAFETENSORS_HEADER:
        raise WeightsError(f"{path} is not a weight file: it has neither a safetensors nor a PyTorch header")
    if header + 8 > size:
        raise WeightsError(f"{path} is cut off: {size} bytes, its header alone needs {header + 8}; fetch it again")
    return "safetensors"


def named_globals(path: Path) -> list[str]:
    """Functions and classes that a pickle or PyTorch archive names, sorted, without those in every weight file."""
    return sorted(name for name in _in_pickles(path, _iterate_globals) if not _is_harmless(name))


def named_strings(path: Path) -> set[str]:
    """Every text in a pickle or PyTorch archive, among them the names of its tensors. No tensor is read."""
    return _in_pickles(path, _iterate_strings)


def _in_pickles(path: Path, find: Find) -> set[str]:
    return _in_archive(path, find) if zipfile.is_zipfile(path) else _in_plain_pickles(path, find)


def _in_archive(path: Path, find: Find) -> set[str]:
    names: set[str] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.namelist():
                if entry.endswith(".pkl"):
                    with archive.open(entry) as file:
                        names |= _found_by(find, file)[0]
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError):
        return names  # a damaged archive: report what was found so far
    return names


def _in_plain_pickles(path: Path, find: Find) -> set[str]:
    names: set[str] = set()
    with path.open("rb") as file:
        for _ in range(_MOST_PICKLES):  # PyTorch's old format is a sequence of pickles
            found, complete = _found_by(find, file)
            names |= found
            if not complete:
                break
    return names


def _refuse_lookalikes(path: Path, head: bytes) -> None:
    text = head.lstrip().lower()
    if not head:
        raise WeightsError(f"{path} is empty; fetch it again")
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise WeightsError(f"{path} is a web page, not a weight file; download the file itself")
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError(f"{path} is a Git LFS pointer, not the weights; run `git lfs pull` or download the file")
    if head.startswith(b"GGUF") or path.suffix.lower() == ".onnx":
        raise WeightsError(f"{path} is not a PyTorch or safetensors file; GGUF and ONNX are not supported")
    if head.startswith((b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
        raise WeightsError(f"{path} is a packed archive; unpack it and give the weight file inside")


def _found_by(find: Find, file: IO[bytes]) -> tuple[set[str], bool]:
    """What it finds in a pickle, and whether the pickle is complete."""
    found: set[str] = set()
    try:
        for name in find(file):
            found.add(name)
    except (ValueError, UnicodeDecodeError, EOFError, IndexError):
        return found, False  # the pickles end here; raw tensor data or a damaged part follows
    return found, True


def _iterate_globals(file: IO[bytes]) -> Iterator[str]:
    """Track the strings a pickle pushes, as far as needed for the two that STACK_GLOBAL takes."""
    strings: list[str] = []
    memo: dict[int, str] = {}
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name in ("GLOBAL", "INST"):
            yield str(argument).replace(" ", ".")
        elif opcode.name == "STACK_GLOBAL":
            yield ".".join(strings[-2:])
        elif opcode.name == "MEMOIZE":
            memo[len(memo)] = strings[-1] if strings else ""
        elif opcode.name in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[int(argument or 0)] = strings[-1] if strings else ""
        elif opcode.name in ("GET", "BINGET", "LONG_BINGET"):
            strings.append(memo.get(int(argument or 0), ""))
        elif isinstance(argument, str):
            strings.append(argument)


def _iterate_strings(file: IO[bytes]) -> Iterator[str]:
    return (argument for _, argument, _ in pickletools.genops(file) if isinstance(argument, str))


def _is_harmless(name: str) -> bool:
    is_storage = name.startswith("torch.") and name.endswith("Storage")
    return name.startswith(_HARMLESS) or is_storage
