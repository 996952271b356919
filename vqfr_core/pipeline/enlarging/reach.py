"""How far a network looks: how much of a tile's margin is wrong because the picture went on there."""

import torch
from torch.nn import functional as F

from ...networks.upscalers import Upscaler

MOST_PX = 48
"""Networks that look at everything at once have no reach; for them this is what tiles overlap by."""
_STEP_PX = 8
_TOLERANCE = 0.5 / 255
_PROBE = (64, 192)
_CUT_PX = 64


def measure_reach(upscaler: Upscaler) -> int:
    """The distance in pixels from which on a cut in the picture changes the result by less than half an 8-bit step.

    A noisy probe goes through the network whole, and without its left third. At most `MOST_PX`.
    """
    probe = _make_probe().to(upscaler.device)
    with torch.inference_mode():
        whole, part = upscaler.run(probe), upscaler.run(probe[..., _CUT_PX:])
    wrong = (whole[..., _CUT_PX * upscaler.scale :] - part).abs().amax(dim=(0, 1, 2)) > _TOLERANCE
    last = max(wrong.nonzero().flatten().tolist(), default=0) // upscaler.scale
    return min(last // _STEP_PX * _STEP_PX + _STEP_PX, MOST_PX)


def _make_probe() -> torch.Tensor:
    """Noise of all sizes, (1, 3, h, w) in [0, 1]."""
    generator, (height, width) = torch.Generator().manual_seed(1), _PROBE
    layers = [torch.rand(1, 3, height // size, width // size, generator=generator) for size in (1, 4, 16)]
    return torch.stack([F.interpolate(layer, _PROBE, mode="bilinear") for layer in layers]).mean(dim=0)
