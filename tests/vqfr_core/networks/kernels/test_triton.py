"""The kernels for CUDA, in Triton's interpreter, against PyTorch's and torchvision's own."""

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("triton")


from vqfr_core.networks.kernels.norm_triton import GroupNormTriton, fits
from vqfr_core.networks.kernels.warp_triton import deform_conv2d_triton


@pytest.mark.parametrize(("channels", "groups"), [(32, 16), (64, 32)])
def test_group_norm(channels: int, groups: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, channels, 7, 9) * 2 + 1
    weight, bias, gradient = torch.randn(channels), torch.randn(channels), torch.randn_like(x)
    found = []
    for function in (
        lambda *given: nn.functional.group_norm(given[0], groups, *given[1:], eps=1e-6),
        lambda *given: GroupNormTriton.apply(*given, groups, 1e-6),
    ):
        given = [value.clone().requires_grad_() for value in (x, weight, bias)]
        answer = function(*given)
        found.append([answer, *torch.autograd.grad(answer, given, gradient)])
    for expected, ours in zip(*found, strict=True):
        assert torch.allclose(ours, expected, atol=1e-4)


def test_only_powers_of_two_fit() -> None:
    assert fits(256, 32) and not fits(160, 32) and not fits(48, 24)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("spread", [2.0, 1e4])
def test_deformable_convolution(groups: int, spread: float) -> None:
    deform_conv2d = pytest.importorskip("torchvision.ops").deform_conv2d
    torch.manual_seed(0)
    x, gradient = torch.randn(2, 8, 6, 7), torch.randn(2, 8, 6, 7)
    given = [
        torch.randn(2, 18 * groups, 6, 7) * spread,
        torch.rand(2, 9 * groups, 6, 7),
        torch.randn(8, 8, 3, 3),
        torch.randn(8),
    ]

    def reference(offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return deform_conv2d(x, offset, weight, bias, padding=1, mask=mask)

    found = []
    for function in (reference, lambda *given: deform_conv2d_triton(x, *given)):
        leaves = [value.clone().requires_grad_() for value in given]
        answer = function(*leaves)
        found.append([answer, *torch.autograd.grad(answer, leaves, gradient)])
    for expected, ours in zip(*found, strict=True):
        assert torch.allclose(ours, expected, atol=1e-4)
