"""What a fidelity means to a network: how it is given, and the images between a v1's texture image and its answer.

The mixture is ours: the paper's v1 has no fidelity. Shapes and colours soon follow the answer, fine detail follows in
proportion. Mixed pixel by pixel, edges that do not coincide would show twice most of the way: `benchmarks/mixtures.py`
compares the two.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import InputError

Fidelity = float | Sequence[float] | Tensor
"""One number, one number per face, or a map (B, 1, H, W)."""

_COARSE_PX = 8
"""Roughly the size of what counts as a shape."""
_COARSE_FIRST = 4
"""How many times as fast shapes follow the answer as detail does."""


def known_range(fidelity: Fidelity) -> tuple[float, float]:
    """The least and the greatest fidelity; (0, 1) if finding out means waiting for a device."""
    if isinstance(fidelity, Tensor):
        return (float(fidelity.min()), float(fidelity.max())) if fidelity.device.type == "cpu" else (0.0, 1.0)
    values = list(fidelity) if isinstance(fidelity, Sequence) else [fidelity]
    return min(values), max(values)


def as_factor(fidelity: Fidelity, image: Tensor, dtype: torch.dtype) -> Tensor:
    """A tensor of that dtype, on the image's device, that broadcasts to (B, 1, H, W). InputError for other shapes."""
    if not isinstance(fidelity, Tensor):
        values = list(fidelity) if isinstance(fidelity, Sequence) else [fidelity]
        fidelity = torch.tensor(values, dtype=torch.float32)
    batch, _, height, width = image.shape
    if fidelity.ndim == 0 or (fidelity.ndim == 1 and fidelity.shape[0] in (1, batch)):
        fidelity = fidelity.view(-1, 1, 1, 1)
    elif fidelity.shape not in ((batch, 1, height, width), (1, 1, height, width)):
        raise InputError(
            f"fidelity must be a number, {batch} numbers, or a map ({batch}, 1, {height}, {width}); "
            f"got shape {tuple(fidelity.shape)}"
        )
    return fidelity.to(image.device, dtype)


def mix_images(texture: Tensor, answer: Tensor, share: Tensor) -> Tensor:
    """The images between two.

    Args:
        texture: (B, 3, H, W), H and W multiples of 8.
        answer: as `texture`.
        share: the answer's, float32, broadcasts to (B, 1, H, W). At 0 the result is the texture and from 1 on it is the
            answer, bit for bit.

    Returns:
        float32 (B, 3, H, W).
    """
    # Contiguous, because resizing three channels is slow in the networks' memory format.
    texture, answer = (image.float().contiguous() for image in (texture, answer))
    difference = answer - texture
    coarse = _coarse(difference)
    mixed = texture + (_COARSE_FIRST * share).clamp(max=1) * coarse + share * (difference - coarse)
    return torch.where(share >= 1, answer, torch.where(share <= 0, texture, mixed))


def _coarse(image: Tensor) -> Tensor:
    """(B, C, H, W) without fine detail."""
    # Windows overlap by half, so that an edge need not lie on their grid.
    half = _COARSE_PX // 2
    small = F.avg_pool2d(image, 2 * _COARSE_PX, stride=_COARSE_PX, padding=half, count_include_pad=False)
    return F.interpolate(small, scale_factor=_COARSE_PX, mode="bicubic", align_corners=False)
