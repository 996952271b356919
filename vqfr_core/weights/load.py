"""Load a weight file as a ready-to-use network."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..networks import registry
from ..networks.auto_precision import AutoPrecision
from ..networks.base import ModelInfo, Network, Restorer, device_of
from ..networks.devices import pick_memory_format
from ..networks.precision import Precision
from .check import build_empty, check_finite, check_network
from .find import WeightFile
from .read import read_checkpoint, read_metadata


def load_state(row: registry.Architecture, state: Mapping[str, Tensor], path: Path) -> Network:
    """A network with these weights on the CPU, in eval mode, without gradients.

    Args:
        row: the architecture.
        state: tensors by name; the network adopts them without copying.
        path: where they are from, for messages.

    Raises:
        WeightsError: tensors are missing, unexpected, or of another shape; the message lists them.
    """
    with torch.inference_mode(False):  # hosts may call in inference mode, and weights made there are unusable outside
        network = build_empty(row, state, path)
        check_network(network, state, path)
        if not network.is_filled:
            network.module.load_state_dict(state, strict=True, assign=True)
        network.module.eval().requires_grad_(False)
        return network


def load_file(
    file: WeightFile,
    role: str,
    device: torch.device,
    precision: Precision | AutoPrecision,
    for_device: torch.device | None = None,
) -> Network:
    """The network of a file with this role.

    device: where it is put. for_device: where it will be used, if elsewhere. precision: only a restorer can choose.
    Raises WeightsError if the file is damaged, unsafe, or another model.
    """
    used_on = for_device or device
    state = read_checkpoint(file.path)
    row = registry.recognize_as(state, registry.architectures(role), file.path)
    check_finite(state, file.path)
    with torch.inference_mode(False):
        network = load_state(row, state, file.path)
        network.name = row.name
        network.attach(ModelInfo(file.name, file.path, file.sha256, file.source, read_metadata(file.path)))
        if isinstance(precision, AutoPrecision):
            assert isinstance(network, Restorer)
            network.auto, precision = precision, precision.choice(network)
        network.choose_precision(precision)
        module = network.module.to(device)  # not the network, which would keep itself alive
        if network.takes_any_layout:
            module.to(memory_format=pick_memory_format(used_on))
        network.reopen = lambda: load_file(file, role, device_of(module), "fp32")
    return network
