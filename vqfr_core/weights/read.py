"""Read the tensors of a weight file without executing code hidden in it."""

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import WeightsError
from .file_kind import file_kind, named_globals

WRAPPERS = ("params_ema", "params", "state_dict")
"""Entries that hold the weights in files with other content, preferred first."""

LEFTOVERS = (re.compile(r"(^|\.)usage$"), re.compile(r"(^|\.)reestimation_reservoir\.buffer$"))
"""Tensors that training leaves in a checkpoint and restoration does not need."""

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
    content = _read_safetensors(path) if file_kind(path) == "safetensors" else _read_torch(path)
    tensors = _only_tensors(_unwrap(content, path), path)
    renamed = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    if len(renamed) != len(tensors):
        raise WeightsError(f"{path} has the same tensor with and without the prefix module.; it cannot be used")
    return {name: tensor for name, tensor in renamed.items() if not any(p.search(name) for p in LEFTOVERS)}


def read_metadata(path: Path) -> dict[str, str]:
    """Metadata of a safetensors file; empty for other files."""
    from safetensors import SafetensorError, safe_open

    if file_kind(path) != "safetensors":
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except SafetensorError as error:
        raise _damaged(path, error) from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except SafetensorError as error:
        raise _damaged(path, error) from error


def _read_torch(path: Path) -> Any:
    try:
        with warnings.catch_warnings():  # anything torch.load warns about here ends in one of the errors below
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle can fail in any way; every failure becomes a message with its cause
        code = named_globals(path)
        if code:
            raise _has_code(path, code) from error
        if isinstance(error, RuntimeError) and "TorchScript" in str(error):
            raise WeightsError(
                f"{path} is a TorchScript program and was not run; a plain weight file is needed"
            ) from error
        raise _damaged(path, error) from error
    if content is None:  # the WebUI replaces torch.load by one that raises this for what it refuses
        raise WeightsError(f"{path}: the host program's loader refused it; use a .safetensors copy (models convert)")
    return content


def _unwrap(content: Any, path: Path) -> Mapping[Any, Any]:
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path} holds a {type(content).__name__}, not tensors by name; it is not a model")
    for wrapper in WRAPPERS:
        if isinstance(content.get(wrapper), Mapping):
            inner: Mapping[Any, Any] = content[wrapper]
            return inner
    if _TRAINING_KEYS & {str(key) for key in content}:
        raise WeightsError(f"{path} is a training state (optimizer and the like), not a model; use the network's file")
    return content


def _only_tensors(content: Mapping[Any, Any], path: Path) -> dict[str, Tensor]:
    others = [str(key) for key, value in content.items() if not (isinstance(key, str) and isinstance(value, Tensor))]
    if others:
        shown = ", ".join(others[:8]) + (f" and {len(others) - 8} more" if len(others) > 8 else "")
        raise WeightsError(f"{path} has entries that are not tensors ({shown}) and none of {', '.join(WRAPPERS)}")
    if not content:
        raise WeightsError(f"{path} holds no tensors")
    return dict(content)


def _has_code(path: Path, names: list[str]) -> WeightsError:
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return WeightsError(
        f"{path} contains program code ({shown}) besides or instead of weights. None of it was run; do not trust "
        "the file, get the weights from their author or as .safetensors"
    )


def _damaged(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        f"{path} ({path.stat().st_size} bytes) is damaged, cut off, or not a weight file: {_first_sentence(error)}. "
        "Delete it and fetch it again"
    )


def _first_sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0].split('. ')[0].rstrip('.')[:200]}"
