"""Read the pickle of a PyTorch file as data, within counted bounds.

Python's unpickler calls what a file names, and an old PyTorch in a host does the same in places. This reader calls
nothing: it knows the few instructions with which PyTorch saves tables of tensors, gives tables, lists and numbers as
they are, and a tensor as a description (`StoredTensor`) of where its numbers lie. Each instruction makes one small
object at most, so the limits on bytes and instructions bound memory and time.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

MOST_BYTES = 8_000_000
"""Longest pickle that is read. One with 1,000 tensors has about 0.1 MB."""
MOST_INSTRUCTIONS = 500_000
"""A pickle has about 40 for each tensor."""
_LONGEST_NAME = 200
_MOST_DIMENSIONS = 16
_MOST = 2**62
_MOST_MEMO = 2**32
_MOST_KEY = 2**31
"""Keys of tables are short names or small numbers: others can be chosen so that each look at a table takes long."""

DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
"""Number formats of storages by the name of their class."""

_TENSOR_KINDS = ("torch._utils._rebuild_", "torch._tensor._rebuild_", "torch.nested.", "torch.sparse", "torch.storage.")


class BadPickleError(Exception):
    """This is not a pickle of tensors, or one out of bounds; the message says what is wrong."""


class OtherTensorsError(BadPickleError):
    """The pickle has tensors of kinds or number formats that are not read here."""


class HasCodeError(BadPickleError):
    """The pickle names functions or classes that tables of tensors do not need."""


@dataclass(frozen=True, slots=True)
class Storage:
    """Numbers that one or several tensors show parts of."""

    key: str
    """Its name in the file."""
    dtype: str
    """Number format as torch names it."""
    length: int
    """How many numbers."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor whose numbers have not been read yet."""

    storage: Storage
    """Where its numbers are."""
    offset: int
    """The first of them."""
    size: tuple[int, ...]
    """Its shape."""
    stride: tuple[int, ...]
    """Steps in the storage, in numbers."""


class Pickle(NamedTuple):
    """What a pickle holds, and where it ends."""

    content: Any
    end: int


def read_pickle(data: bytes, start: int = 0, most_instructions: int = MOST_INSTRUCTIONS) -> Pickle:
    """The content of the pickle that begins at `start`.

    Raises HasCodeError, OtherTensorsError or BadPickleError; nothing the pickle names is called in any case.
    """
    reader = _Reader(data, start)
    try:
        return Pickle(reader.run(most_instructions), reader.at)
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise BadPickleError(f"its pickle is damaged at byte {reader.at}") from error


class _Callable(NamedTuple):
    """What a pickle names."""

    make: Callable[..., Any] | None
    """Makes the value from the arguments; None for the class of a storage."""
    dtype: str = ""
    """The number format of a storage's class."""


class _Reader:
    def __init__(self, data: bytes, start: int) -> None:
        self.data = data
        self.at = start
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, most_instructions: int) -> Any:
        data, steps = self.data, _STEPS
        for _ in range(most_instructions):
            code = data[self.at]
            self.at += 1
            if code == _STOP:
                return self.stack.pop()
            step = steps.get(code)
            if step is None:
                raise BadPickleError(f"its pickle has the instruction {code:#04x}, which no table of tensors needs")
            step(self)
        raise BadPickleError(f"its pickle has more than {most_instructions:,} instructions")

    def take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.data):
            raise BadPickleError("its pickle ends too early")
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def number(self, code: struct.Struct) -> int:
        value: int = code.unpack(self.take(code.size))[0]
        return value

    def line(self) -> str:
        end = self.data.find(b"\n", self.at, self.at + _LONGEST_NAME)
        if end < 0:
            raise BadPickleError(f"its pickle has a name of more than {_LONGEST_NAME} letters, or ends too early")
        text = self.take(end - self.at).decode()
        self.at += 1
        return text

    def text(self, length: int) -> None:
        self.stack.append(self.take(length).decode("utf-8", "surrogatepass"))

    def since_mark(self) -> list[Any]:
        mark = self.marks.pop()
        items = self.stack[mark:]
        del self.stack[mark:]
        return items

    def put(self, index: int) -> None:
        if not 0 <= index < _MOST_MEMO:
            raise BadPickleError("its pickle remembers something under an impossible number")
        self.memo[index] = self.stack[-1]

    def global_(self, module: str, name: str) -> None:
        self.stack.append(_find(module, name))

    def stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise BadPickleError("its pickle names something without a name")
        self.global_(module, name)

    def refuse_instance(self) -> None:
        raise _refused(f"{self.line()}.{self.line()}")

    def reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, _Callable) or function.make is None or type(arguments) is not tuple:
            raise BadPickleError("its pickle calls something that is not a function")
        self.stack.append(function.make(*arguments))

    def build(self) -> None:
        """A table's own attributes, such as the versions of a network's modules: not needed."""
        self.stack.pop()
        if type(self.stack[-1]) is not dict:
            raise BadPickleError("its pickle sets the attributes of something that is not a table")

    def persistent(self) -> None:
        self.stack.append(_storage(self.stack.pop()))

    def append(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise BadPickleError("its pickle appends to something that is not a list")
        target.extend(items)

    def set(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise BadPickleError("its pickle sets entries of something that is not a table")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_key(key)] = value

    def dict_(self) -> None:
        items = self.since_mark()
        self.stack.append({})
        self.set(items)

    def last(self, count: int) -> list[Any]:
        """The last items of the stack, taken off it."""
        if count > len(self.stack) - (self.marks[-1] if self.marks else 0):
            raise BadPickleError("its pickle takes more than it has put")
        items = self.stack[-count:]
        del self.stack[-count:]
        return items


def _find(module: str, name: str) -> _Callable:
    if module == "torch" and name in DTYPES:
        return _Callable(None, DTYPES[name])
    known = _GLOBALS.get((module, name))
    if known is None:
        raise _refused(f"{module}.{name}")
    return known


def _refused(name: str) -> BadPickleError:
    short = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
    if name.startswith(_TENSOR_KINDS) or (name.startswith("torch.") and name.endswith("Storage")):
        return OtherTensorsError(
            f"it holds a tensor of another kind than networks here have ({short}: sparse, nested, quantized, on no "
            "device, or of an uncommon number format)"
        )
    return HasCodeError(short)


def _table(pairs: Any = None) -> dict[Any, Any]:
    """An OrderedDict. Its entries follow; Python 2 gave them in a list, which works once: it could be named again."""
    if pairs is None:
        return {}
    if type(pairs) is not list:
        raise BadPickleError("its pickle makes a table of something that is not a list")
    table = {_key(key): value for key, value in pairs}
    pairs.clear()
    return table


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_more: Any) -> StoredTensor:
    if not isinstance(storage, Storage) or type(size) is not tuple or type(stride) is not tuple:
        raise BadPickleError("its pickle has a tensor without storage or shape")
    if len(size) != len(stride) or len(size) > _MOST_DIMENSIONS or not all(map(_counts, (offset, *size, *stride))):
        raise BadPickleError("its pickle has a tensor with an impossible shape")
    return StoredTensor(storage, offset, size, stride)


def _tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, _gradient: Any, _hooks: Any, bits: Any = None
) -> StoredTensor:
    if bits:
        raise OtherTensorsError("it holds a tensor whose numbers are to be negated or conjugated when read")
    return _tensor(storage, offset, size, stride)


def _parameter(tensor: Any, _gradient: Any, _hooks: Any) -> StoredTensor:
    if not isinstance(tensor, StoredTensor):
        raise BadPickleError("its pickle has a parameter without a tensor")
    return tensor


def _size(numbers: Any) -> tuple[int, ...]:
    if type(numbers) is not tuple or len(numbers) > _MOST_DIMENSIONS or not all(map(_counts, numbers)):
        raise BadPickleError("its pickle has an impossible shape")
    return numbers


def _storage(persistent_id: Any) -> Storage:
    """The old format has a sixth entry: None, except in files from before PyTorch 0.4."""
    if type(persistent_id) is not tuple or len(persistent_id) not in (5, 6) or persistent_id[5:] not in ((), (None,)):
        raise BadPickleError("its pickle refers to something else than a storage of numbers")
    word, kind, key, _device, length = persistent_id[:5]
    if word != "storage" or not (isinstance(kind, _Callable) and kind.dtype) or type(_key(key)) is not str:
        raise BadPickleError("its pickle refers to something else than a storage of numbers")
    if not _counts(length):
        raise BadPickleError("its pickle has a storage of an impossible length")
    return Storage(key, kind.dtype, length)


def _counts(value: Any) -> bool:
    return type(value) is int and 0 <= value < _MOST


def _key(key: Any) -> str | int:
    if type(key) is str and len(key) <= _LONGEST_NAME:
        return key
    if type(key) is int and -_MOST_KEY <= key < _MOST_KEY:
        return key
    raise BadPickleError(f"its pickle has a key that is neither a name of at most {_LONGEST_NAME} letters nor a number")


_GLOBALS = {
    ("collections", "OrderedDict"): _Callable(_table),
    ("torch", "Size"): _Callable(_size),
    ("torch._utils", "_rebuild_tensor"): _Callable(_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): _Callable(_tensor_v2),
    ("torch._utils", "_rebuild_parameter"): _Callable(_parameter),
}
"""All that a file may name, besides the classes of storages (`DTYPES`)."""

_U1, _U2, _U4, _U8 = (struct.Struct(f"<{letter}") for letter in "BHIQ")
_I4 = struct.Struct("<i")
_F8 = struct.Struct(">d")
_STOP = 0x2E  # .

_STEPS: dict[int, Callable[[_Reader], Any]] = {
    # frame of the pickle
    0x80: lambda r: r.take(1),  # PROTO
    0x95: lambda r: r.take(8),  # FRAME
    # plain values
    0x4E: lambda r: r.stack.append(None),  # NONE
    0x88: lambda r: r.stack.append(True),  # NEWTRUE
    0x89: lambda r: r.stack.append(False),  # NEWFALSE
    0x4A: lambda r: r.stack.append(r.number(_I4)),  # BININT
    0x4B: lambda r: r.stack.append(r.number(_U1)),  # BININT1
    0x4D: lambda r: r.stack.append(r.number(_U2)),  # BININT2
    0x8A: lambda r: r.stack.append(int.from_bytes(r.take(r.number(_U1)), "little", signed=True)),  # LONG1
    0x47: lambda r: r.stack.append(r.number(_F8)),  # BINFLOAT
    0x56: lambda r: r.stack.append(r.line()),  # UNICODE
    0x55: lambda r: r.text(r.number(_U1)),  # SHORT_BINSTRING
    0x54: lambda r: r.text(r.number(_U4)),  # BINSTRING
    0x58: lambda r: r.text(r.number(_U4)),  # BINUNICODE
    0x8C: lambda r: r.text(r.number(_U1)),  # SHORT_BINUNICODE
    0x8D: lambda r: r.text(r.number(_U8)),  # BINUNICODE8
    # tables, lists and tuples
    0x28: lambda r: r.marks.append(len(r.stack)),  # MARK
    0x7D: lambda r: r.stack.append({}),  # EMPTY_DICT
    0x64: _Reader.dict_,  # DICT
    0x73: lambda r: r.set(r.last(2)),  # SETITEM
    0x75: lambda r: r.set(r.since_mark()),  # SETITEMS
    0x5D: lambda r: r.stack.append([]),  # EMPTY_LIST
    0x6C: lambda r: r.stack.append(r.since_mark()),  # LIST
    0x61: lambda r: r.append(r.last(1)),  # APPEND
    0x65: lambda r: r.append(r.since_mark()),  # APPENDS
    0x29: lambda r: r.stack.append(()),  # EMPTY_TUPLE
    0x74: lambda r: r.stack.append(tuple(r.since_mark())),  # TUPLE
    0x85: lambda r: r.stack.append(tuple(r.last(1))),  # TUPLE1
    0x86: lambda r: r.stack.append(tuple(r.last(2))),  # TUPLE2
    0x87: lambda r: r.stack.append(tuple(r.last(3))),  # TUPLE3
    # what was made before
    0x71: lambda r: r.put(r.number(_U1)),  # BINPUT
    0x72: lambda r: r.put(r.number(_U4)),  # LONG_BINPUT
    0x70: lambda r: r.put(int(r.line())),  # PUT
    0x94: lambda r: r.put(len(r.memo)),  # MEMOIZE
    0x68: lambda r: r.stack.append(r.memo[r.number(_U1)]),  # BINGET
    0x6A: lambda r: r.stack.append(r.memo[r.number(_U4)]),  # LONG_BINGET
    0x67: lambda r: r.stack.append(r.memo[int(r.line())]),  # GET
    # functions and classes
    0x63: lambda r: r.global_(r.line(), r.line()),  # GLOBAL
    0x93: _Reader.stack_global,  # STACK_GLOBAL
    0x69: _Reader.refuse_instance,  # INST
    0x52: _Reader.reduce,  # REDUCE
    0x62: _Reader.build,  # BUILD
    0x51: _Reader.persistent,  # BINPERSID
}
"""Instructions by their byte. Texts of protocol 0 are here so that code in such a file is named."""
