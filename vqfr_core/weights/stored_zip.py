"""The members of a zip file that is stored, not packed: where each of them lies in the file.

Python's zipfile makes an object of each member before anything can be counted, and unpacks what claims to be packed.
PyTorch only stores. So the directory is read here, bounded in bytes and members, and every member has to lie in the
file with a room of its own.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

MAGIC = b"PK\x03\x04"
MOST_MEMBERS = 50_000
_MOST_DIRECTORY = 8_000_000
_BLOCK = 1 << 20
_ENCRYPTED = 1

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_EXTRA = struct.Struct("<2H")
_FARTHEST = 2**62
_FULL_32 = 0xFFFFFFFF
_ZIP_64 = 1


class BadZipError(Exception):
    """This is not a stored zip file, or one out of bounds; the message says what is wrong."""


@dataclass(frozen=True)
class Member:
    """One file in a zip file."""

    name: str
    """Its name, with the folder."""
    start: int
    """Where its bytes begin in the zip file."""
    size: int
    """How many."""
    crc: int
    """Their CRC-32, as the directory has it."""
    is_packed: bool
    """Whether they have to be unpacked or decrypted first, which is not done here."""


def read_members(file: BinaryIO, file_size: int) -> dict[str, Member]:
    """The members by name, in the directory's order. Raises BadZipError."""
    try:
        return _read_members(file, file_size)
    except (struct.error, IndexError) as error:
        raise BadZipError("its directory is damaged") from error


def damaged_member(path: Path) -> str | None:
    """The first stored member whose bytes differ from their checksum, or None, also if the file is not a zip file.

    Raises BadZipError or OSError.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return None
        for member in read_members(file, path.stat().st_size).values():
            file.seek(member.start)
            crc, left = 0, member.size
            while left and (block := file.read(min(left, _BLOCK))):
                crc = zlib.crc32(block, crc)
                left -= len(block)
            if left or (crc != member.crc and not member.is_packed):
                return member.name
    return None


def _read_members(file: BinaryIO, file_size: int) -> dict[str, Member]:
    count, size, start = _directory(file, file_size)
    if count > MOST_MEMBERS or size > _MOST_DIRECTORY:
        raise BadZipError(f"it has {count} members, or a directory of {size} bytes: more than a weight file needs")
    if start + size > file_size:
        raise BadZipError("its directory lies outside the file: it is cut off")
    directory = _piece(file, start, size)
    members: dict[str, Member] = {}
    rooms: list[tuple[int, int]] = []
    for header, name, stated in _entries(directory, count):
        member = _locate(file, header, name, stated)
        if member.name in members:
            raise BadZipError("two of its members have the same name")
        if member.start + member.size > start:
            raise BadZipError("a member reaches into its directory: it is cut off, or made to look large")
        members[member.name] = member
        rooms.append((header, member.start + member.size))
    if any(end > following for (_, end), (following, _) in pairwise(sorted(rooms))):
        raise BadZipError("its members overlap: it is made to look large")
    return members


def _directory(file: BinaryIO, file_size: int) -> tuple[int, int, int]:
    """Number of members, size of the directory, and where it starts."""
    tail_size = min(file_size, _END.size + _LOCATOR.size)
    tail = _piece(file, file_size - tail_size, tail_size)
    signature, _, _, _, count, size, start, comment = _END.unpack(tail[-_END.size :])
    if signature != b"PK\x05\x06" or comment:
        raise BadZipError("it does not end with a directory: it is cut off, or something was appended to it")
    locator = tail[: -_END.size]
    if len(locator) == _LOCATOR.size and locator.startswith(b"PK\x06\x07"):
        at = _LOCATOR.unpack(locator)[2]
        signature, _, _, _, _, _, _, count, size, start = _END_64.unpack(_piece(file, at, _END_64.size))
        if signature != b"PK\x06\x06":
            raise BadZipError("its directory is damaged")
    return count, size, start


def _entries(directory: bytes, count: int) -> Iterator[tuple[int, bytes, tuple[int, int, bool]]]:
    """Where each member's own header is, its name, and its size, checksum, and whether it is packed."""
    at = 0
    for _ in range(count):
        entry = _ENTRY.unpack_from(directory, at)
        signature, flags, method, crc, packed, size = entry[0], entry[3], entry[4], *entry[7:10]
        name_size, extra_size, comment_size, header = *entry[10:13], entry[16]
        if signature != b"PK\x01\x02":
            raise BadZipError("its directory is damaged")
        at += _ENTRY.size
        name, extra = directory[at : at + name_size], directory[at + name_size : at + name_size + extra_size]
        at += name_size + extra_size + comment_size
        size, packed, header = _long_numbers(extra, (size, packed, header))
        yield header, name, (packed, crc, bool(method) or packed != size or bool(flags & _ENCRYPTED))
    if at != len(directory):
        raise BadZipError("its directory is damaged")


def _long_numbers(extra: bytes, numbers: tuple[int, int, int]) -> tuple[int, int, int]:
    """The numbers, with those that do not fit into 32 bits from the entry's extra field."""
    at, longs = 0, b""
    while at + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if kind == _ZIP_64:
            longs = extra[at : at + length]
        at += length
    found = []
    for number in numbers:
        if number == _FULL_32 and longs:
            number, longs = int.from_bytes(longs[:8], "little"), longs[8:]
        found.append(number)
    return found[0], found[1], found[2]


def _locate(file: BinaryIO, header: int, name: bytes, stated: tuple[int, int, bool]) -> Member:
    local = _LOCAL.unpack(_piece(file, header, _LOCAL.size))
    if local[0] != MAGIC or file.read(local[9]) != name:
        raise BadZipError("a member is not where the directory says: the file is cut off or damaged")
    return Member(name.decode("utf-8", "backslashreplace"), header + _LOCAL.size + local[9] + local[10], *stated)


def _piece(file: BinaryIO, start: int, size: int) -> bytes:
    piece = b""
    if start < _FARTHEST:
        file.seek(start)
        piece = file.read(size)
    if len(piece) < size:
        raise BadZipError("it is cut off")
    return piece
