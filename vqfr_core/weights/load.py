"""From a weight file to a network that is ready to work."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..networks import registry
from ..networks.base import ModelInfo, Network, Restorer, device_of
from ..networks.devices import pick_memory_format
from ..networks.precision import Precision
from .check import build_empty, check_state
from .find import WeightFile
from .read import read_checkpoint, read_metadata


def load_state(row: registry.Architecture, state: Mapping[str, Tensor], path: Path) -> Network:
    """A network with these weights on the CPU, in eval mode, without gradients.

    Args:
        row: the architecture.
        state: tensors by name; the network takes them over without copying.
        path: where they are from, for messages.

    Raises:
        WeightsError: tensors are missing, unexpected, or of another shape; the message lists them.
    """
    with torch.inference_mode(False):  # hosts may call in inference mode, and weights made there stay unusable outside
        network = build_empty(row, state, path)
        check_state(network.module.state_dict(), state, path)
        network.module.load_state_dict(state, strict=True, assign=True)
        network.module.eval().requires_grad_(False)
        return network


def load_file(
    file: WeightFile, role: str, device: torch.device, precision: Precision, for_device: torch.device | None = None
) -> Network:
    """The network of a file that has this role.

    device: where it is put. for_device: where it will be used, when that is another one.
    Raises WeightsError when the file is damaged, unsafe, or another model.
    """
    used_on = for_device or device
    state = read_checkpoint(file.path)
    row = registry.recognize_as(state, registry.architectures(role), file.path)
    with torch.inference_mode(False):
        network = load_state(row, state, file.path)
        is_restorer = isinstance(network, Restorer)
        name = file.name if is_restorer else row.name  # what finds and parses is known by its kind
        network.attach(ModelInfo(name, file.path, file.sha256, file.source, read_metadata(file.path)))
        network.set_precision(precision)
        network.module.to(device)
        if isinstance(network, Restorer):
            network.module.to(memory_format=pick_memory_format(used_on))
            module = network.module  # not the network, which would keep itself in memory
            network.reopen = lambda: _load_restorer(file, role, device_of(module))
    return network


def _load_restorer(file: WeightFile, role: str, device: torch.device) -> Restorer:
    network = load_file(file, role, device, "fp32")
    assert isinstance(network, Restorer)
    return network
