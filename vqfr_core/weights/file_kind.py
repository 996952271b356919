"""Recognise weight files by their first bytes, before anything else is read of them."""

import stat
from pathlib import Path
from typing import Literal

from ..errors import WeightsError

FileKind = Literal["safetensors", "torch"]

MOST_BYTES = 2_000_000_000
"""Larger files are not read: no network of this package comes near."""
_HEAD = 512
_LARGE = 500_000_000
"""Files from this size on have to begin like a weight file before the whole of them is read."""
_MAX_SAFETENSORS_HEADER = 8_000_000
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*", b"RIFF", b"BM")
_TORCH_STARTS = (b"PK\x03\x04", b"\x80")


def file_kind(path: Path) -> FileKind:
    """Which reader the file is for; WeightsError if it is clearly not a weight file."""
    size = file_size(path)
    head = _read_head(path)
    _refuse_lookalikes(path, head)
    if head[8:9] != b"{":
        return "torch"
    header = int.from_bytes(head[:8], "little")
    if header > _MAX_SAFETENSORS_HEADER:
        raise WeightsError(f"{path} is not a weight file: it has neither a safetensors nor a PyTorch header")
    if header + 8 > size:
        raise WeightsError(f"{path} is cut off: {size} bytes, its header alone needs {header + 8}; fetch it again")
    return "safetensors"


def file_size(path: Path) -> int:
    """The size of a file that may be read to its end; WeightsError if it has none, or if that would take too long."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if stat.S_ISDIR(status.st_mode):
        raise WeightsError(f"cannot read {path}: it is a folder; give the file inside")
    if not stat.S_ISREG(status.st_mode):
        raise WeightsError(f"cannot read {path}: it is a device or a pipe, not a file")
    if status.st_size > MOST_BYTES:
        raise WeightsError(f"{path} has {status.st_size} bytes; weights have at most {MOST_BYTES}")
    if status.st_size >= _LARGE and not _begins_like_weights(_read_head(path)):
        raise WeightsError(f"{path} is not a weight file: it has neither a safetensors nor a PyTorch header")
    return status.st_size


def _begins_like_weights(head: bytes) -> bool:
    return head.startswith(_TORCH_STARTS) or head[8:9] == b"{"


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError | ValueError) -> WeightsError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return WeightsError(f"cannot read {path}: {reason}; check the path and its permissions")


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
    if head.startswith(_PICTURES):
        raise WeightsError(f"{path} is a picture, not a weight file")
    if head.startswith((b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
        raise WeightsError(f"{path} is a packed archive; unpack it and give the weight file inside")
