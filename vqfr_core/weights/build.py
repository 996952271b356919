"""From tensors to a network: sizes from shapes, built on the meta device, loaded strictly."""

import dataclasses
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..errors import WeightsError
from ..networks.registry import DETECTORS, PARSERS, RESTORERS, recognize_as
from ..networks.vqfr import Network, V1Config, V2Config, VqfrV1, VqfrV2
from .catalog import WeightRecord
from .read import read_checkpoint

KINDS_OF_RECORD = {"restorer": RESTORERS, "detector": DETECTORS, "parser": PARSERS}

_MOST_SHOWN = 6


class _SkipInitialisation(TorchFunctionMode):
    """Leave new parameters as they are: on the meta device PyTorch imports its compiler (3 s) to fill them."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init" or func.__name__ in ("normal_", "uniform_"):
            return args[0] if args else named["tensor"]
        return func(*args, **named)


def load_state(kind: str, state: Mapping[str, Tensor], path: Path) -> nn.Module:
    """A network with these weights on the CPU, in eval mode, without gradients.

    Args:
        kind: one of RESTORERS, DETECTORS or PARSERS.
        state: tensors by name; the network takes them over without copying.
        path: where they are from, for messages.

    Raises:
        WeightsError: tensors are missing, unexpected, or of another shape; the message lists them.
    """
    with torch.inference_mode(False):  # hosts may call in inference mode, and weights made there stay unusable outside
        network = build_empty(kind, state, path)
        check_state(network.state_dict(), state, path)
        network.load_state_dict(state, strict=True, assign=True)
        return network.eval().requires_grad_(False)


def build_empty(kind: str, state: Mapping[str, Tensor], path: Path) -> nn.Module:
    """The network of that kind, of the sizes these weights have, on the meta device."""
    try:
        with torch.device("meta"), _SkipInitialisation():
            return _BUILDERS[kind](state)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except ImportError as error:
        raise WeightsError(
            f"{path} needs facexlib, which could not be imported ({error}). Run install.py of VQFR Face Restore with "
            f'this Python, or: "{sys.executable}" -m pip install --no-deps facexlib opencv-python-headless'
        ) from error
    except (ValueError, IndexError, ZeroDivisionError, RuntimeError) as error:
        raise WeightsError(f"{path}: no {kind} can have tensors of these shapes ({error})") from error


def network_sizes(network: nn.Module) -> dict[str, Any]:
    """The sizes of a network as plain numbers; empty for one that has only one size."""
    return dataclasses.asdict(network.config) if isinstance(network, VqfrV1 | VqfrV2) else {}


def check_state(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], path: Path) -> None:
    """Raise a WeightsError that lists tensors which are missing, unexpected, or of another shape or type."""
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


def content_check(record: WeightRecord) -> Callable[[Path], None]:
    """A check that a file holds the network a record promises, tensor by tensor."""
    kinds = (record.name,) if record.name in _BUILDERS else KINDS_OF_RECORD[record.kind]

    def check(path: Path) -> None:
        state = read_checkpoint(path)
        network = build_empty(recognize_as(state, kinds, path), state, path)
        check_state(network.state_dict(), state, path)

    return check


def _shorten(names: list[str]) -> str:
    more = f", and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(names[:_MOST_SHOWN]) + more


def _build_v1(state: Mapping[str, Tensor]) -> Network:
    return VqfrV1(V1Config.from_state_dict(state))


def _build_v2(state: Mapping[str, Tensor]) -> Network:
    return VqfrV2(V2Config.from_state_dict(state))


def _build_retinaface(network_name: str) -> nn.Module:
    from facexlib.detection.retinaface import RetinaFace

    with warnings.catch_warnings():  # facexlib asks torchvision in an old way for a network without weights
        warnings.simplefilter("ignore", UserWarning)
        return RetinaFace(network_name=network_name, device=torch.device("meta"))


def _build_parsenet() -> nn.Module:
    from facexlib.parsing.parsenet import ParseNet

    return ParseNet(in_size=512, out_size=512, parsing_ch=19)


def _build_bisenet() -> nn.Module:
    from facexlib.parsing.bisenet import BiSeNet

    return BiSeNet(num_class=19)


_BUILDERS: dict[str, Callable[[Mapping[str, Tensor]], nn.Module]] = {
    "vqfr_v1": _build_v1,
    "vqfr_v2": _build_v2,
    "retinaface_resnet50": lambda state: _build_retinaface("resnet50"),
    "retinaface_mobile0.25": lambda state: _build_retinaface("mobile0.25"),
    "parsenet": lambda state: _build_parsenet(),
    "bisenet": lambda state: _build_bisenet(),
}
