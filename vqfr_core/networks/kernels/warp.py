"""The deformable convolution for stage 2 training: with kernels on CUDA, where no gradient of the texture is needed."""

import torch
from torch import Tensor, nn

from ..vqfr.deform import ModulatedDeformConv
from ..vqfr.texture_warp import TextureWarp
from .norm import HAS_TRITON


class FastDeformConv(ModulatedDeformConv):
    """`ModulatedDeformConv` with the same weights and results, computed differently."""

    def forward(self, x: Tensor, offset_feature: Tensor) -> Tensor:
        width = x.shape[1] // self.groups
        fits = x.is_cuda and HAS_TRITON and width & (width - 1) == 0
        if not fits or x.requires_grad or not torch.is_grad_enabled():
            return super().forward(x, offset_feature)
        from .warp_triton import deform_conv2d_triton

        offset, modulation = self.split(offset_feature)
        return deform_conv2d_triton(x, offset, modulation, self.weight, self.bias)


def use_fast_warps(net: nn.Module) -> None:
    """Replace every deformable convolution inside `net`; names and weights stay."""
    for warp in [module for module in net.modules() if isinstance(module, TextureWarp)]:
        fast = FastDeformConv(warp.dcn.weight.shape[0], warp.dcn.groups)
        fast.weight, fast.bias, fast.conv_offset = warp.dcn.weight, warp.dcn.bias, warp.dcn.conv_offset
        warp.dcn = fast
