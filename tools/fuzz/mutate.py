"""Change bytes and values a little, so that much of what reads them still believes them."""

import random
import struct
import zlib
from typing import Any

_NUMBERS = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 10**40, 0.5, -0.0, 1e308, "", "auto", "all", "-1:", "9" * 400, "\0", "ü" * 2000,
    "../../etc/passwd", "<b>", [], {}, [[[]]], [None] * 50, {"a": {"b": []}}, float("nan"), float("inf"),
)  # fmt: skip


def mutate(rng: random.Random, data: bytes, spared: int = 0) -> bytes:
    """A few small changes, behind the first `spared` bytes, and rarely a cut."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        if len(changed) > spared + 8:
            rng.choice((_flip, _flip, _set_number, _set_number, _remove, _repeat, _swap))(rng, changed, spared)
    if rng.random() < 0.05:
        del changed[rng.randrange(len(changed)) :]
    return bytes(changed)


def mutate_png(rng: random.Random, data: bytes) -> bytes:
    """The same for a PNG, whose chunks have right checksums afterwards, so that their content is looked at."""
    changed, at = bytearray(mutate(rng, data, 16)), 8
    while at + 12 <= len(changed):
        length = int.from_bytes(changed[at : at + 4], "big")
        end = at + 8 + length
        if end + 4 > len(changed):
            break
        changed[end : end + 4] = struct.pack(">I", zlib.crc32(changed[at + 4 : end]))
        at = end + 4
    return bytes(changed)


def mutate_value(rng: random.Random, value: Any) -> Any:
    """Another value, or the same with a change somewhere inside."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        changed = {**value, key: mutate_value(rng, value[key])}
        if rng.random() < 0.1:
            changed[rng.choice(("x", "", key + "s"))] = changed.pop(key)
        return changed
    if isinstance(value, str) and value and rng.random() < 0.5:
        return mutate(rng, value.encode()).decode("utf-8", "replace")
    if isinstance(value, float) and rng.random() < 0.5:
        return value * rng.choice((-1, 2, 1e9, 1e-9))
    return rng.choice(_VALUES)


def _flip(rng: random.Random, data: bytearray, spared: int) -> None:
    data[rng.randrange(spared, len(data))] ^= 1 << rng.randrange(8)


def _set_number(rng: random.Random, data: bytearray, spared: int) -> None:
    size, order = rng.choice((1, 2, 4)), rng.choice(("big", "little"))
    at = rng.randrange(spared, len(data) - 4)
    number = rng.choice(_NUMBERS) & (256**size - 1)
    data[at : at + size] = number.to_bytes(size, order)


def _part(rng: random.Random, data: bytearray, spared: int) -> slice:
    start = rng.randrange(spared, len(data))
    return slice(start, start + rng.choice((1, 2, 4, 12, 64)))


def _remove(rng: random.Random, data: bytearray, spared: int) -> None:
    del data[_part(rng, data, spared)]


def _repeat(rng: random.Random, data: bytearray, spared: int) -> None:
    part = _part(rng, data, spared)
    data[part.stop : part.stop] = data[part] * rng.choice((1, 1, 16))


def _swap(rng: random.Random, data: bytearray, spared: int) -> None:
    one, other = _part(rng, data, spared), _part(rng, data, spared)
    data[one], data[other] = data[other], data[one]
