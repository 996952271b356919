"""The chunks of a PNG that Pillow does not hand on, or only after the pixels (PNG specification, third edition)."""

import struct
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOR_CHUNKS = (b"gAMA", b"cHRM", b"cICP", b"sRGB")
"""How the file's numbers mean colours, besides a profile."""
_MOST_CHUNKS = 100_000
_MOST_BYTES = 1 << 24


def read_chunks(path: Path, names: frozenset[bytes]) -> dict[bytes, bytes]:
    """The first chunk of each of these names, wherever it is in the file, and nothing (b"") for each other name it has.

    Empty if it is not a PNG. A file that breaks off gives what comes before. Chunks of more than 16 MB count as others.
    """
    found: dict[bytes, bytes] = {}
    with path.open("rb") as file:
        if file.read(8) != SIGNATURE:
            return found
        for _ in range(_MOST_CHUNKS):
            head = file.read(8)
            if len(head) < 8:
                break
            size, name = struct.unpack(">I4s", head)
            if name in names and not found.get(name) and size <= _MOST_BYTES:
                data = file.read(size)
                if len(data) < size:
                    break
                found[name] = data
                file.seek(4, 1)
            else:
                found.setdefault(name, b"")
                file.seek(size + 4, 1)
            if name == b"IEND":
                break
    return found
