"""The networks run the straightforward way, as in the original, as a baseline.

Contiguous (B, C, H, W) activations, torchvision's deformable convolution on the whole image, nearest upsampling before
its convolution at the high resolution, and the main branch at every fidelity.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor

from vqfr_core.networks.vqfr import VqfrNetwork, deform, upsample


def deform_conv2d_whole(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    from torchvision.ops import deform_conv2d

    output: Tensor = deform_conv2d(x, offset, weight, bias, padding=1, mask=mask)
    return output


def upsample_then_convolve(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), weight, bias, padding=1)


def contiguous_copy(network: VqfrNetwork) -> VqfrNetwork:
    """The same weights, laid out for contiguous (B, C, H, W) activations."""
    return copy.deepcopy(network).to(memory_format=torch.contiguous_format)


@contextmanager
def straightforward() -> Iterator[None]:
    """Inside the context, networks convolve and upsample the straightforward way."""
    with (
        patch.object(deform, "deform_conv2d", deform_conv2d_whole),
        patch.object(upsample, "upsample_nearest_conv", upsample_then_convolve),
    ):
        yield
