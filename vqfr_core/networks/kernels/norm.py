"""Group normalisation that trains fast: its backward pass uses matrix products on CPUs and kernels on CUDA.

On CPUs PyTorch's own backward pass of group normalisation takes more time in bfloat16 than all convolutions together,
and three times as much as in float32. `benchmarks/training.py` compares.
"""

import importlib.util
from typing import Any

import torch
from torch import Tensor, nn

HAS_TRITON = importlib.util.find_spec("triton") is not None


class FastGroupNorm(nn.GroupNorm):
    """`nn.GroupNorm` with the same weights and results, computed differently."""

    def forward(self, x: Tensor) -> Tensor:
        given = (x, self.weight, self.bias, self.num_groups, self.eps)
        output: Tensor
        if x.is_cpu:
            output = _GroupNorm.apply(*given)
            return output
        if x.is_cuda and HAS_TRITON:
            from .norm_triton import GroupNormTriton, fits

            if fits(self.num_channels, self.num_groups):
                output = GroupNormTriton.apply(*given)
                return output
        return super().forward(x)


def use_fast_norms(net: nn.Module) -> None:
    """Replace every group normalisation inside `net`; names and weights stay."""
    for module in list(net.modules()):
        for name, child in module.named_children():
            if type(child) is nn.GroupNorm:
                fast = FastGroupNorm(child.num_groups, child.num_channels, child.eps)
                fast.weight, fast.bias = child.weight, child.bias
                module.add_module(name, fast)


class _GroupNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
        batch, channels, height, width = x.shape
        output, mean, rstd = torch.native_group_norm(x, weight, bias, batch, channels, height * width, groups, eps)
        ctx.save_for_backward(x, weight, mean, rstd)
        ctx.groups = groups
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, rstd = ctx.saved_tensors
        batch, channels, height, width = x.shape
        pixels, width_of_group = height * width, channels // ctx.groups
        rows, gradient = (t.permute(0, 2, 3, 1).reshape(batch, pixels, channels) for t in (x, gradients[0]))
        ones = rows.new_ones(batch, 1, pixels)
        # Sums over pixels (B, C), of the gradient and of the gradient times the input
        total = torch.bmm(ones, gradient)[:, 0].float()
        product = torch.bmm(ones, gradient * rows)[:, 0].float()
        mean, rstd = (t.float().repeat_interleave(width_of_group, 1) for t in (mean, rstd))
        scaled = rstd * (product - mean * total)
        # dx = rstd * (w g - mean_group(w g) - x_hat * mean_group(w g x_hat)), as a g + b x + c
        inner, inner_x = (
            (weight.float() * t).view(batch, ctx.groups, -1).mean(2).repeat_interleave(width_of_group, 1) / pixels
            for t in (total, scaled)
        )
        factor_x = -rstd.square() * inner_x
        rest = -rstd * inner - factor_x * mean
        factor, factor_x, rest = (t[:, None].to(x.dtype) for t in (rstd * weight.float(), factor_x, rest))
        result = torch.addcmul(rest, gradient, factor).addcmul_(rows, factor_x)
        shaped = result.view(batch, height, width, channels).permute(0, 3, 1, 2)
        return shaped, scaled.sum(0).to(weight.dtype), total.sum(0).to(weight.dtype), None, None
