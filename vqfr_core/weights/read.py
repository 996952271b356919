"""Read the tensors of a weight file without executing code hidden in it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from ..errors import WeightsError
from .file_kind import file_kind, file_size
from .pickle_reader import BadPickleError, HasCodeError, OtherTensorsError, StoredTensor
from .stored_zip import BadZipError, damaged_member
from .torch_file import MOST_TENSORS, BadTorchFileError, NotWeightsError, open_torch_file

AnyTensor = TypeVar("AnyTensor", Tensor, StoredTensor)

WRAPPERS = ("params_ema", "params", "state_dict")
"""Entries that hold the weights in files with other content, preferred first."""

TORCH_SUFFIXES = (".pth", ".pt")
"""Suffixes of files that PyTorch wrote."""

LEFTOVERS = (re.compile(r"(^|\.)usage$"), re.compile(r"(^|\.)reestimation_reservoir\.buffer$"))
"""Tensors that training leaves in a checkpoint and restoration does not need."""

_DTYPES = {
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
}
_TRAINING_KEYS = {"optimizer", "optimizers", "optimizer_states", "schedulers", "lr_schedulers"}


@torch.inference_mode(False)  # hosts load in inference mode, whose tensors could not become weights
def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors or PyTorch file by name, on the CPU.

    From a file with wrappers, `params_ema` is used, else `params`, else `state_dict`. A leading `module.` is dropped
    from names, and training leftovers (`LEFTOVERS`) are omitted. The format is recognised by content, not suffix.

    Raises:
        WeightsError: the file is missing, damaged, not a weight file, or a pickle with more than tensors (which is not
        executed).
    """
    if file_kind(path) == "safetensors":
        tensors = _only_tensors(_unwrap(_read_safetensors(path), path), path, Tensor)
    else:
        tensors = _read_torch(path)
    if len(tensors) > MOST_TENSORS:
        raise WeightsError(f"{path} has {len(tensors)} tensors, more than the {MOST_TENSORS} of any network here")
    _refuse_uncommon_numbers(tensors, path)
    renamed = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    if len(renamed) != len(tensors):
        raise WeightsError(f"{path} has the same tensor with and without the prefix module.; it cannot be used")
    return {name: tensor for name, tensor in renamed.items() if not any(p.search(name) for p in LEFTOVERS)}


def tensor_names(path: Path) -> list[str]:
    """The names of a file's tensors as `read_checkpoint` gives them, without reading numbers. Raises WeightsError."""
    if file_kind(path) == "safetensors":
        names = _safetensors_names(path)
    else:
        with _refusals(path):
            names = list(_only_tensors(_unwrap(open_torch_file(path).content, path), path, StoredTensor))
    return [name.removeprefix("module.") for name in names if not any(p.search(name) for p in LEFTOVERS)]


def check_sums(path: Path) -> None:
    """Raise a WeightsError if a .pth file's members differ from their checksums, which PyTorch does not look at.

    A file in the format before zip has no checksums.
    """
    file_size(path)
    with _refusals(path):
        member = damaged_member(path)
    if member is not None:
        raise _damaged(path, f"its {member[-60:]} differs from its checksum")


def read_metadata(path: Path) -> dict[str, str]:
    """Metadata of a safetensors file; empty for other files."""
    from safetensors import SafetensorError, safe_open

    if file_kind(path) != "safetensors":
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {_first_sentence(error)}") from error


def _safetensors_names(path: Path) -> list[str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return list(file.keys())
    except (SafetensorError, OSError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {_first_sentence(error)}") from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except (SafetensorError, OSError, AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {_first_sentence(error)}") from error


def _read_torch(path: Path) -> dict[str, Tensor]:
    with _refusals(path):
        file = open_torch_file(path)
        return file.read_tensors(_only_tensors(_unwrap(file.content, path), path, StoredTensor))


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Turn what the reader of PyTorch's files says into a WeightsError with the file's name."""
    try:
        yield
    except HasCodeError as error:
        raise WeightsError(
            f"{path} contains program code ({error}) besides or instead of weights. None of it was run; do not trust "
            "the file, get the weights from their author or as .safetensors"
        ) from error
    except (OtherTensorsError, NotWeightsError) as error:
        raise WeightsError(f"{path} cannot be used: {error}") from error
    except (BadPickleError, BadZipError, BadTorchFileError) as error:
        raise _damaged(path, str(error)) from error
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}") from error
    except MemoryError as error:
        raise WeightsError(f"cannot read {path}: its {path.stat().st_size} bytes do not fit into memory") from error


def _unwrap(content: Any, path: Path) -> Mapping[Any, Any]:
    if not isinstance(content, Mapping):
        kind = "Tensor" if isinstance(content, StoredTensor) else type(content).__name__
        raise WeightsError(f"{path} holds a {kind}, not tensors by name; it is not a model")
    for wrapper in WRAPPERS:
        if isinstance(content.get(wrapper), Mapping):
            inner: Mapping[Any, Any] = content[wrapper]
            return inner
    if _TRAINING_KEYS & {str(key) for key in content}:
        raise WeightsError(f"{path} is a training state (optimizer and the like), not a model; use the network's file")
    return content


def _only_tensors(content: Mapping[Any, Any], path: Path, kind: type[AnyTensor]) -> dict[str, AnyTensor]:
    others = [str(key) for key, value in content.items() if not (isinstance(key, str) and isinstance(value, kind))]
    if others:
        shown = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
        raise WeightsError(f"{path} has entries that are not tensors ({shown}) and none of {', '.join(WRAPPERS)}")
    if not content:
        raise WeightsError(f"{path} holds no tensors")
    return dict(content)


def _refuse_uncommon_numbers(tensors: Mapping[str, Tensor], path: Path) -> None:
    name = next((name for name, tensor in tensors.items() if tensor.dtype not in _DTYPES), None)
    if name is not None:
        dtype = str(tensors[name].dtype).removeprefix("torch.")
        raise WeightsError(
            f"{path} has {dtype} numbers ({name}), which networks here do not use; get it in 16 or 32 bits"
        )


def _damaged(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"{path} ({path.stat().st_size} bytes) is damaged, cut off, or not a weight file: {reason}. "
        "If it should be one, fetch it again"
    )


def _first_sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return lines[0].split(". ")[0].rstrip(".")[:200]
