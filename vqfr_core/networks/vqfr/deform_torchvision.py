"""torchvision's deformable convolution, and whether to use it: decided once for each device and dtype.

For training on CUDA it is used without a probe: the gather takes many small steps there, each with its own backward.
"""

import functools
import importlib.util
import logging
import time
from collections.abc import Callable

import torch
from torch import Tensor

from .deform_gather import TAPS, deform_conv2d_gather

logger = logging.getLogger(__name__)


def deform_conv2d_torchvision(x: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """torchvision's operator, one image and one deformable group at a time: its buffer is 9 x C / G x H x W.

    All at once where gradients are needed: the buffer is small compared to what the backward pass keeps.
    """
    from torchvision.ops import deform_conv2d as operator

    if torch.is_grad_enabled():
        answer = operator(x, offset, weight, bias, padding=1, mask=mask)
        result: Tensor = answer.contiguous(memory_format=torch.channels_last)
        return result
    groups = mask.shape[1] // TAPS
    channels, taps = x.shape[1] // groups, TAPS
    images = []
    for b in range(x.shape[0]):
        total = bias.view(1, -1, 1, 1)
        for g in range(groups):
            part = slice(g * channels, (g + 1) * channels)
            total = total + operator(
                x[b : b + 1, part].contiguous(),
                offset[b : b + 1, 2 * taps * g : 2 * taps * (g + 1)].contiguous(),
                weight[:, part].contiguous(),
                padding=1,
                mask=mask[b : b + 1, taps * g : taps * (g + 1)].contiguous(),
            )
        images.append(total)
    return torch.cat(images)


def torchvision_is_better(x: Tensor, weight: Tensor) -> bool:
    """Whether a probe found torchvision's operator correct and faster; where gradients are needed, only on CUDA."""
    # On the CPU the gather was measured 6 to 8 times as fast (benchmarks/): no need to probe.
    if x.device.type in ("cpu", "meta"):
        return False
    if torch.is_grad_enabled():
        return x.is_cuda and importlib.util.find_spec("torchvision") is not None
    if weight.dtype != x.dtype:
        return False
    return _probe(x.device.type, x.device.index, x.dtype)


@functools.cache
def _probe(device_type: str, device_index: int | None, dtype: torch.dtype) -> bool:
    """Run both on a small case: use the faster one if the values agree within the precision."""
    device = torch.device(device_type, device_index) if device_index is not None else torch.device(device_type)
    generator = torch.Generator().manual_seed(0)
    shapes = ((1, 64, 96, 96), (1, 72, 96, 96), (1, 36, 96, 96), (64, 64, 3, 3), (64,))
    case = [torch.rand(shape, generator=generator).to(device, dtype) for shape in shapes]
    try:
        found = deform_conv2d_torchvision(*case).float().cpu()
    except (ImportError, RuntimeError, NotImplementedError) as error:
        logger.info("torchvision's deform_conv2d does not work on %s in %s: %s", device, dtype, error)
        return False
    expected = deform_conv2d_gather(*(value.float() for value in case)).cpu()
    tolerance = 1e-4 if dtype == torch.float32 else 3e-2
    if not torch.allclose(found, expected, rtol=tolerance, atol=tolerance * float(expected.std())):
        logger.warning("torchvision's deform_conv2d gives wrong values on %s in %s; not used", device, dtype)
        return False
    return _seconds(deform_conv2d_torchvision, case) < _seconds(deform_conv2d_gather, case)


def _seconds(function: Callable[..., Tensor], case: list[Tensor]) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        function(*case)[0, 0, 0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return best
