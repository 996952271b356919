from pathlib import Path

import pytest
import torch

from vqfr_core.networks import registry
from vqfr_core.weights.load import load_state

PATH = Path("x.pth")
KINDS = ["vqfr_v1", "vqfr_v2"]


def load(kind: str, state: dict[str, torch.Tensor]) -> torch.nn.Module:
    row = next(row for row in registry.ARCHITECTURES if row.name == kind)
    return load_state(row, state, PATH).module


@pytest.mark.parametrize("kind", KINDS)
def test_loads_strictly_in_eval_mode(tiny_states, kind):
    network = load(kind, tiny_states[kind])
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not any(tensor.is_meta for tensor in [*network.parameters(), *network.buffers()])
    loaded = network.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in tiny_states[kind].items())


@pytest.mark.parametrize("kind", KINDS)
def test_made_in_inference_mode_it_is_usable_outside(tiny_states, kind):
    with torch.inference_mode():
        network = load(kind, tiny_states[kind])
    assert not any(parameter.is_inference() for parameter in network.parameters())
