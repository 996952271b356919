"""Spatially varying fidelity: a map painted on the image, brought to each face's crop."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import InputError
from ...types import FaceCrop
from ..affine import compose_affine, invert_affine, resize_affine, warp_affine

_SMOOTHING_PX = 17
"""Side of the box blur, applied twice. A hard step in the map would show as an edge in the face."""


def fidelity_maps(
    crops: Sequence[FaceCrop],
    paintings: Sequence[Tensor],
    image_size: tuple[int, int],
    *,
    low: float | Sequence[float],
    high: float,
) -> Tensor:
    """The fidelity at each pixel of each crop.

    Args:
        crops: aligned faces of images of one size.
        paintings: one per crop, (H, W) in [0, 1], stretched to its image.
        image_size: (height, width) of the images.
        low: fidelity where nothing is painted: one number, or one per crop.
        high: fidelity where the painting is 1.

    Returns:
        float32 (N, 1, S, S) on the CPU, for `restore_faces`.

    Raises:
        InputError: a painting has a wrong shape, or numbers do not fit the crops.
    """
    lows = [low] * len(crops) if isinstance(low, int | float) else list(low)
    if len(lows) != len(crops) or len(paintings) != len(crops):
        raise InputError(f"{len(lows)} fidelities and {len(paintings)} maps were given for {len(crops)} faces")
    maps = [
        start + (high - start) * _painting_in_crop(crop, painting, image_size)
        for crop, painting, start in zip(crops, paintings, lows, strict=True)
    ]
    return torch.stack(maps) if maps else torch.zeros(0, 1, 1, 1)


def _painting_in_crop(crop: FaceCrop, painting: Tensor, image_size: tuple[int, int]) -> Tensor:
    """(1, S, S) in [0, 1], smoothed."""
    if painting.ndim != 2:
        raise InputError(f"fidelity map: needs the shape (H, W), got {tuple(painting.shape)}")
    size = (painting.shape[0], painting.shape[1])
    crop_to_painting = compose_affine(invert_affine(crop.image_to_crop), resize_affine(image_size, size))
    side = crop.image.shape[-1]
    seen = warp_affine(painting.float().cpu()[None], crop_to_painting, (side, side), padding="border").clamp(0, 1)
    for _ in range(2):
        reach = _SMOOTHING_PX // 2
        seen = F.avg_pool2d(F.pad(seen[None], (reach,) * 4, mode="replicate"), _SMOOTHING_PX, stride=1)[0]
    return seen
