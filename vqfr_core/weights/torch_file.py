"""Read files that `torch.save` wrote, in its zip format and in the one before, as tables of tensors.

`torch.load` is not asked: what it lets a file do depends on its version, and hosts bring old ones. The pickle comes
from `pickle_reader`, the place of each storage from the zip directory or from the old format's order. A tensor may show
its storage in any order, but no number twice, so that a small file cannot claim large ones.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BufferedReader
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .pickle_reader import MOST_BYTES, Storage, StoredTensor, read_pickle
from .stored_zip import MAGIC, Member, read_members

_MORE_THAN_FILE = 200_000_000
"""Tensors may share a storage, so together they may be larger than the file, but not by more than this many bytes."""
MOST_TENSORS = 5_000
_MOST_NUMBERS = 2**31
_MOST_INSTRUCTIONS_BEFORE = 100
"""For the old format's first three pickles: two numbers and a small table."""
_OLD_MAGIC = 0x1950A86A20F9469CFC6C
_OLD_PROTOCOL = 1001
_COUNT_SIZE = 8


class BadTorchFileError(Exception):
    """The file is not one of tensors, or is damaged; the message says what is wrong."""


class NotWeightsError(BadTorchFileError):
    """The file is whole, but of a kind that is not read here; the message says which."""


@dataclass(frozen=True)
class TorchFile:
    """The table in a file, with `StoredTensor` in place of tensors, and where their numbers lie."""

    path: Path
    """The file."""
    content: Any
    """Tables, lists, tuples, numbers, texts and `StoredTensor`."""
    byte_order: str
    """little or big."""
    places: Mapping[str, tuple[int, int]]
    """Start and size in bytes of each storage in the file."""

    def read_tensors(self, wanted: Mapping[str, StoredTensor]) -> dict[str, Tensor]:
        """These tensors, on the CPU, without gradients; those of one storage share memory, as they did when saved.

        Raises BadTorchFileError if a tensor does not fit its storage, or a storage the file; OSError.
        """
        # Read into memory of our own: pages of a file that somebody overwrites would end the process.
        if len(wanted) > MOST_TENSORS:
            raise BadTorchFileError(f"it has {len(wanted)} tensors, more than the {MOST_TENSORS} of any network here")
        room = self.path.stat().st_size + _MORE_THAN_FILE
        if sum(prod(tensor.size) * _dtype(tensor.storage).itemsize for tensor in wanted.values()) > room:
            raise BadTorchFileError("its tensors are together larger than the file")
        for name, tensor in wanted.items():
            if not _fits(tensor):
                raise BadTorchFileError(f"the tensor {name} claims more numbers than its storage has")
        storages = self._read_storages(tensor.storage for tensor in wanted.values())
        if any(tensor.storage not in storages for tensor in wanted.values()):
            raise BadTorchFileError("two of its tensors disagree about the storage they share")
        return {
            name: storages[tensor.storage].as_strided(tensor.size, tensor.stride, tensor.offset)
            for name, tensor in wanted.items()
        }

    def _read_storages(self, wanted: Iterable[Storage]) -> dict[Storage, Tensor]:
        kinds = {storage.key: storage for storage in wanted}
        with self.path.open("rb") as file:
            return {storage: self._read_storage(file, storage) for storage in kinds.values()}

    def _read_storage(self, file: BufferedReader, storage: Storage) -> Tensor:
        dtype = _dtype(storage)
        start, size = self.places.get(storage.key, (0, -1))
        if size != storage.length * dtype.itemsize:
            raise BadTorchFileError("a storage is missing, or has another size than its tensors need")
        if not size:
            return torch.empty(0, dtype=dtype)
        numbers = bytearray(size)
        file.seek(start)
        if file.readinto(numbers) != size:
            raise BadTorchFileError("it is cut off")
        flat = torch.frombuffer(numbers, dtype=torch.uint8)
        if self.byte_order != sys.byteorder:
            flat = flat.view(-1, dtype.itemsize).flip(1).reshape(-1)
        return flat.view(dtype)


def open_torch_file(path: Path) -> TorchFile:
    """The table in a file, before the numbers of any tensor are read.

    Raises:
        HasCodeError: it names functions or classes besides those of tensors; none was called.
        BadPickleError, BadZipError, BadTorchFileError: it is damaged, not such a file, or out of bounds.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        is_zip = file.read(len(MAGIC)) == MAGIC
        return _open_zip(path, file, size) if is_zip else _open_old(path, file, size)


def _open_zip(path: Path, file: BufferedReader, size: int) -> TorchFile:
    members = read_members(file, size)
    folder = next(iter(members), "").partition("/")[0]
    names = {name.removeprefix(f"{folder}/"): member for name, member in members.items()}
    if any(name == "constants.pkl" or name.startswith("code/") for name in names):
        raise NotWeightsError("it is a TorchScript program and was not run; a plain weight file is needed")
    if any(member.is_packed for member in members.values()):
        raise NotWeightsError("its members are packed or encrypted; save it again with PyTorch, or as safetensors")
    if "data.pkl" not in names:
        raise BadTorchFileError("it is a zip file without data.pkl")
    content, end = read_pickle(_read_member(file, names["data.pkl"], MOST_BYTES))
    if end != names["data.pkl"].size:
        raise BadTorchFileError("something follows its pickle")
    order = _read_member(file, names["byteorder"], 16).decode("ascii", "replace") if "byteorder" in names else "little"
    places = {name.removeprefix("data/"): (m.start, m.size) for name, m in names.items() if name.startswith("data/")}
    return TorchFile(path, content, _checked_order(order), places)


def _read_member(file: BufferedReader, member: Member, most: int) -> bytes:
    if member.size > most:
        raise BadTorchFileError(f"its {member.name[-40:]} has {member.size} bytes, more than the {most} of any weights")
    file.seek(member.start)
    return file.read(member.size)


def _open_old(path: Path, file: BufferedReader, size: int) -> TorchFile:
    """Five pickles, the last of them the order of the storages, then each storage with its length before it."""
    file.seek(0)
    data = file.read(MOST_BYTES)
    magic, at = read_pickle(data, 0, _MOST_INSTRUCTIONS_BEFORE)
    if magic != _OLD_MAGIC:
        raise BadTorchFileError("it does not begin like a file of PyTorch")
    protocol, at = read_pickle(data, at, _MOST_INSTRUCTIONS_BEFORE)
    system, at = read_pickle(data, at, _MOST_INSTRUCTIONS_BEFORE)
    content, at = read_pickle(data, at)
    keys, at = read_pickle(data, at)
    if protocol != _OLD_PROTOCOL or not isinstance(system, dict) or not isinstance(keys, list):
        raise BadTorchFileError("it does not begin like a file of PyTorch")
    order = "little" if system.get("little_endian", True) else "big"
    return TorchFile(path, content, order, _old_places(file, size, at, keys, _storages_in(content)))


def _old_places(
    file: BufferedReader, size: int, at: int, keys: list[Any], storages: Mapping[str, Storage]
) -> dict[str, tuple[int, int]]:
    places: dict[str, tuple[int, int]] = {}
    for key in keys:
        storage = storages.get(key) if isinstance(key, str) else None
        if storage is None or key in places:
            raise BadTorchFileError("its list of storages does not fit its tensors")
        file.seek(at)
        count = int.from_bytes(file.read(_COUNT_SIZE), "little")
        if count != storage.length:
            raise BadTorchFileError("a storage has another size than its tensors need: the file is cut off or damaged")
        places[key] = (at + _COUNT_SIZE, count * _dtype(storage).itemsize)
        at = sum(places[key])
    if at != size:
        raise BadTorchFileError(f"it has {size} bytes and should have {at}: it is cut off, or something was appended")
    return places


def _storages_in(content: Any) -> dict[str, Storage]:
    """Every storage in nested tables, each container looked at once."""
    found: dict[str, Storage] = {}
    todo, seen = [content], set()
    while todo:
        item = todo.pop()
        if isinstance(item, StoredTensor):
            found[item.storage.key] = item.storage
        elif isinstance(item, dict | list | tuple) and id(item) not in seen:
            seen.add(id(item))
            todo.extend(item.values() if isinstance(item, dict) else item)
    return found


def _dtype(storage: Storage) -> torch.dtype:
    dtype: torch.dtype = getattr(torch, storage.dtype)
    return dtype


def _checked_order(order: str) -> str:
    if order not in ("little", "big"):
        raise BadTorchFileError("it does not say in which order the bytes of its numbers are")
    return order


def _fits(tensor: StoredTensor) -> bool:
    """Whether the tensor lies in its storage and shows none of its numbers twice."""
    if 0 in tensor.size:
        return prod(max(size, 1) for size in tensor.size) <= _MOST_NUMBERS
    reach = 1
    for stride, size in sorted(zip(tensor.stride, tensor.size, strict=True)):
        if size > 1:
            if stride < reach:
                return False
            reach = stride * (size - 1) + reach
    return tensor.offset + reach <= tensor.storage.length
