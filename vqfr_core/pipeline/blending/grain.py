"""Keep the input's grain: measure noise in the input that the restored face lacks, and add similar new noise.

Noise is measured in three octaves (differences of ever wider blurs) of brightness and two colour axes. In each octave
the picture is cut into blocks; a block's spread is the median absolute value, and the picture's the lower part of the
blocks', because noise is everywhere while edges and pores are not. The restored face's own noise is subtracted, so a
smooth or JPEG-compressed input adds nothing.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import InputError
from ..octaves import split_octaves

_OCTAVES = 3
_BLOCK_PX = 32
_QUIET_BLOCKS = 0.1
"""The quantile of the blocks' spreads that counts as noise."""
_MAD_TO_SIGMA = 1.4826
_CERTAINTY = 1.15
"""Noise counts as missing above this ratio to what is there: texture and noise cannot be separated exactly."""
_LEAST_SIGMA = 1 / 255
"""Below this, noise is invisible, and comes from rounding and JPEG rather than grain."""
_MOST_SIGMA = 0.12
_FIT_STEPS = 12


def transfer_grain(restored: Tensor, source: Tensor, mask: Tensor, strength: float, seed: int) -> Tensor:
    """The restored face with the source's grain.

    restored, source: (3, h, w) RGB in [0, 1], at least 32 x 32; mask: (1, h, w) in [0, 1], only its part above one half
    is measured; strength in [0, 1]; the same seed gives the same noise on every device. A grey source gets grey noise.
    Returns float32 (3, h, w) in [0, 1] on the device of restored; restored itself, as float32, if the source has no
    more noise. Raises InputError if shapes or strength do not fit.
    """
    if restored.ndim != 3 or restored.shape[0] != 3 or source.shape != restored.shape:
        shapes = f"{tuple(restored.shape)} and {tuple(source.shape)}"
        raise InputError(f"grain: both pictures need the same shape (3, h, w), got {shapes}")
    if mask.shape != (1, *restored.shape[1:]) or min(mask.shape[1:]) < _BLOCK_PX:
        raise InputError(f"grain: the mask needs (1, h, w) like the pictures, 32 px or more, got {tuple(mask.shape)}")
    if not 0.0 <= strength <= 1.0:
        raise InputError(f"grain: strength {strength} is outside 0 to 1")
    restored = restored.float()
    if strength == 0.0:
        return restored
    missing = missing_grain(restored, source.to(restored), mask.to(restored))
    if not bool((missing > 0).any()):
        return restored
    noise = _make_noise(missing, (restored.shape[1], restored.shape[2]), seed).to(restored.device)
    return (restored + strength * _from_axes(noise)).clamp(0, 1)


def missing_grain(restored: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """Standard deviations (3, 3) on the CPU: rows brightness and two colour axes, columns octaves from fine to coarse.

    restored, source: float32 (3, h, w); mask: (1, h, w). 0 where the source has no more noise than restored. Colour
    noise is limited to that of brightness in each octave, as in any camera; pure colour blotches come from compression.
    """
    wanted, present = measure_grain(source, mask), measure_grain(restored, mask)
    missing = (wanted**2 - (_CERTAINTY * present) ** 2).clamp_min(0).sqrt().clamp_max(_MOST_SIGMA)
    missing = torch.where(missing > _LEAST_SIGMA, missing, torch.zeros_like(missing))
    return torch.minimum(missing, missing[:1])


def measure_grain(image: Tensor, mask: Tensor) -> Tensor:
    """Standard deviation of the noise, float32 (3, 3) on the CPU: brightness and two colour axes by octaves.

    image: (3, h, w); mask: (1, h, w): only blocks mostly inside it count. All 0 if there are none.
    """
    return measure_noise(_to_axes(image.float()), mask)


def measure_noise(planes: Tensor, mask: Tensor) -> Tensor:
    """The same for planes (C, h, w) of any kind: float32 (C, 3) on the CPU."""
    height, width = (length // _BLOCK_PX * _BLOCK_PX for length in planes.shape[1:])
    inside = F.avg_pool2d(mask[:, :height, :width].float(), _BLOCK_PX).flatten() > 0.5
    sigmas = torch.zeros(len(planes), _OCTAVES)
    if not bool(inside.any()):
        return sigmas
    for octave, band in enumerate(split_octaves(planes, _OCTAVES)):
        cropped = band[:, None, :height, :width].abs()
        blocks = F.unfold(cropped, _BLOCK_PX, stride=_BLOCK_PX)[..., inside]  # (C, pixels, blocks)
        spreads = blocks.transpose(1, 2).contiguous().median(dim=2).values
        sigmas[:, octave] = _MAD_TO_SIGMA * spreads.quantile(_QUIET_BLOCKS, dim=1).cpu()
    return sigmas


def _make_noise(sigmas: Tensor, size: tuple[int, int], seed: int) -> Tensor:
    """Noise (3, h, w) on the CPU whose octaves have the given standard deviations (3, octaves)."""
    white = torch.randn((3, *size), generator=torch.Generator().manual_seed(seed))
    gains = _fit_gains(sigmas)
    bands = split_octaves(white, _OCTAVES)
    answer: Tensor = sum(gain.view(3, 1, 1) * band for gain, band in zip(gains.T, bands, strict=True))
    return answer


def _fit_gains(sigmas: Tensor) -> Tensor:
    """Gain of each octave of white noise, (3, octaves), so that measuring the sum gives sigmas.

    The octaves overlap; the gains are found on the response to a single pixel, whose energy is white noise's variance.
    """
    pixel = torch.zeros(1, 65, 65)
    pixel[0, 32, 32] = 1.0
    bands = torch.cat(split_octaves(pixel, _OCTAVES))
    seen = torch.stack(split_octaves(bands, _OCTAVES)).flatten(2)  # (octave measured, octave made, pixels)
    energy = seen @ seen.transpose(1, 2)
    gains = sigmas.clone()
    for _ in range(_FIT_STEPS):
        measured = torch.einsum("co,mop,cp->cm", gains, energy, gains).clamp_min(0).sqrt()
        gains = torch.where(sigmas > 0, gains * sigmas / measured.clamp_min(1e-9), torch.zeros_like(sigmas))
    return gains


def _to_axes(image: Tensor) -> Tensor:
    """Brightness and two colour axes, orthonormal; the colour axes of a grey image are exactly 0."""
    red, green, blue = image
    return torch.stack([(red + green + blue) / 3**0.5, (red - green) / 2**0.5, (red + green - 2 * blue) / 6**0.5])


def _from_axes(axes: Tensor) -> Tensor:
    brightness, red_green, yellow_blue = axes[0] / 3**0.5, axes[1] / 2**0.5, axes[2] / 6**0.5
    warm = brightness + yellow_blue
    return torch.stack([warm + red_green, warm - red_green, brightness - 2 * yellow_blue])
