"""The fast group normalisation against PyTorch's."""

import copy

import pytest
import torch
from torch import nn

from vqfr_core.networks.kernels.norm import FastGroupNorm, use_fast_norms


@pytest.mark.parametrize(("channels", "groups"), [(32, 16), (64, 32), (128, 32)])
def test_values_and_gradients_are_those_of_pytorch(channels: int, groups: int) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.GroupNorm(groups, channels, eps=1e-6))
    for parameter in plain.parameters():
        nn.init.normal_(parameter)
    fast = copy.deepcopy(plain)
    use_fast_norms(fast)
    assert isinstance(fast[0], FastGroupNorm) and list(fast.state_dict()) == list(plain.state_dict())
    x = (torch.randn(3, channels, 12, 20) * 2 + 1).to(memory_format=torch.channels_last)
    gradient = torch.randn_like(x)
    found = []
    for net in (plain, fast):
        given = x.clone().requires_grad_()
        net(given).backward(gradient)
        found.append((net(x), given.grad, net[0].weight.grad, net[0].bias.grad))
    for ours, theirs in zip(found[1], found[0], strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4)


def test_bfloat16_stays_close() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.GroupNorm(16, 32, eps=1e-6))
    use_fast_norms(net)
    x, gradient = torch.randn(2, 32, 16, 16), torch.randn(2, 32, 16, 16)
    exact, rounded = x.clone().requires_grad_(), x.bfloat16().requires_grad_()
    net(exact).backward(gradient)
    net(rounded).backward(gradient.bfloat16())
    assert exact.grad is not None and rounded.grad is not None
    assert (exact.grad - rounded.grad.float()).abs().max() < 0.02 * exact.grad.abs().max()
