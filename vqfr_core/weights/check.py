"""Check that tensors fit a network without loading it: compare them to a network on the meta device."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..errors import WeightsError
from ..networks import registry
from ..networks.base import Network
from .catalog import WeightRecord
from .read import read_checkpoint

_MOST_SHOWN = 6


_MAKERS = ("empty", "zeros", "ones", "full", "arange", "rand", "randn", "tensor")
_MOST_MADE = 1_000
_MOST_MADE_FOR_EACH = 3
"""Tensors made for each one of a file. The published networks make one."""


class _SkipInitialisation(TorchFunctionMode):
    """Skip initialisation of parameters on the meta device: PyTorch would import its compiler (3 s) for it.

    Sizes are counted in names and shapes, so a small file can ask for millions of blocks: tensors are counted, too.
    """

    def __init__(self, most_made: int) -> None:
        super().__init__()
        self._left = most_made

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if func.__name__ in _MAKERS:  # nowhere else: PyTorch switches gradients off and on by such calls
            self._left -= 1
            if self._left < 0:
                raise ValueError("many more tensors would be needed than there are")
        if getattr(func, "__module__", None) == "torch.nn.init" or func.__name__ in ("normal_", "uniform_"):
            tensor = args[0] if args else named["tensor"]
            if tensor.is_meta:  # others may be asked whether they are random yet
                return tensor
        return func(*args, **named)


def build_empty(row: registry.Architecture, state: Mapping[str, Tensor], path: Path) -> Network:
    """The network of an architecture at the sizes of these weights, on the meta device unless `is_filled`.

    path: where the weights are from, for messages. Raises WeightsError if no network can have these sizes.
    """
    assert row.build is not None, row.name
    try:
        with torch.device("meta"), _SkipInitialisation(_MOST_MADE + _MOST_MADE_FOR_EACH * len(state)):
            return row.build(state)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except ImportError as error:
        raise WeightsError(
            f"{path} needs facexlib, which could not be imported ({error}). Run install.py of VQFR Face Restore with "
            f'this Python, or: "{sys.executable}" -m pip install --no-deps facexlib opencv-python-headless'
        ) from error
    except (ArithmeticError, IndexError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: tensors of these shapes do not make {row.label} ({error})") from error


def check_network(network: Network, state: Mapping[str, Tensor], path: Path) -> None:
    """`check_state` for a network from `build_empty`; one that was built with its weights has been checked."""
    if not network.is_filled:
        check_state(network.module.state_dict(), state, path)


def check_state(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    """Raise a WeightsError that lists tensors that are missing, unexpected, or of another shape or type."""
    common = [name for name in expected if name in found]
    shapes = [
        f"{name}: {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in common
        if found[name].shape != expected[name].shape
    ]
    types = [
        f"{name}: {found[name].dtype}"
        for name in common
        if found[name].is_floating_point() != expected[name].is_floating_point()
    ]
    problems = {
        "missing": [name for name in expected if name not in found],
        "unexpected": [name for name in found if name not in expected],
        "of another shape": shapes,
        "of another type": types,
    }
    parts = [f"{len(names)} {what} ({_shorten(names)})" for what, names in problems.items() if names]
    if parts:
        raise WeightsError(f"{path} does not fit its network: tensors {'; '.join(parts)}. Use the published file")


def check_finite(state: Mapping[str, Tensor], path: Path) -> None:
    """Raise a WeightsError that names tensors with NaN or infinite numbers: no network can use them."""
    bad = [name for name, tensor in state.items() if not _is_finite(tensor)]
    if bad:
        raise WeightsError(f"{path} is damaged: non-finite numbers in {_shorten(bad)}; fetch it again")


def content_check(record: WeightRecord) -> Callable[[Path], None]:
    """Check that a file holds the network its record promises, tensor by tensor."""
    rows = registry.architectures(record.role)
    wanted = [row for row in rows if row.name == record.name] or rows

    def check(path: Path) -> None:
        state = read_checkpoint(path)
        network = build_empty(registry.recognize_as(state, wanted, path), state, path)
        check_network(network, state, path)
        check_finite(state, path)

    return check


def _is_finite(tensor: Tensor) -> bool:
    if tensor.numel() == 0 or not tensor.is_floating_point():
        return True
    if tensor.itemsize < 4:
        tensor = tensor.float()  # PyTorch 2.1, as in A1111, has no aminmax for halves
    return bool(torch.stack(torch.aminmax(tensor)).isfinite().all())  # 20 times as fast as checking each number


def _shorten(names: list[str]) -> str:
    more = f", and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(names[:_MOST_SHOWN]) + more
