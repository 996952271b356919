"""Images from other programs: whether their values can be what they should be."""

import math

import torch
from torch import Tensor

from ..errors import InputError

_HIGHEST = 16.0
"""Above it, values count from 0 to 255. Lower ones above 1 are highlights of HDR pictures."""


def check_values(name: str, image: Tensor) -> None:
    """Raise InputError for NaN, infinity, and values that count from 0 to 255. image: floating point, of any shape."""
    low, high = (float(value) for value in torch.aminmax(image.detach().float()))
    if not math.isfinite(high - low):
        raise InputError(
            f"{name}: has values that are not numbers (NaN) or infinite; a VAE in half precision often makes them"
        )
    if high > _HIGHEST or low < -_HIGHEST:
        raise InputError(f"{name}: has values from {low:g} to {high:g}; scale them to 0 to 1, as by dividing by 255")
