"""Masks from a parser's labels: where both the input and the restored face show the chosen regions."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ...networks.face_regions import FACE_REGIONS, parse_regions

_INNER_REGIONS = ("skin", "brows", "eyes", "glasses", "nose", "mouth")
_COVERING_REGIONS = ("glasses", "hair")
_EDGE_TOLERANCE = 1 / 85
"""How far apart the edges of glasses or hair may be in input and restored face: 6 px in a 512 px crop."""


def region_mask(labels: Tensor, regions: Sequence[str]) -> Tensor:
    """bool (B, 1, H, W): the pixels of int64 labels (B, H, W) that belong to one of the regions."""
    chosen = torch.zeros(len(FACE_REGIONS) + 1, dtype=torch.bool, device=labels.device)
    chosen[[FACE_REGIONS.index(name) + 1 for name in parse_regions(regions)]] = True
    return chosen[labels][:, None]


def parsing_mask(input_labels: Tensor, restored_labels: Tensor, regions: Sequence[str]) -> Tensor:
    """Where both the input and the restored face show one of the regions: float32 (B, 1, H, W), 0 or 1.

    Objects in front of the face that the network turned into face stay as in the input: a hand or a microphone is not a
    region of the input, and glasses or hair must be so in both, give or take a few pixels at their edges. labels: int64
    (B, H, W) as a parser gives them. Raises InputError for unknown regions.
    """
    allowed = region_mask(input_labels, regions) & region_mask(restored_labels, regions)
    for name in _COVERING_REGIONS:
        before, after = region_mask(input_labels, (name,)), region_mask(restored_labels, (name,))
        allowed &= ~(before & ~_widened(after)) & ~(after & ~_widened(before))
    return allowed.float()


def _widened(mask: Tensor) -> Tensor:
    reach = round(mask.shape[-1] * _EDGE_TOLERANCE)
    return F.max_pool2d(mask.float(), 2 * reach + 1, stride=1, padding=reach) > 0


def readable_inputs(input_labels: Tensor, restored_labels: Tensor, *, share: float = 0.25) -> list[bool]:
    """Whether the parser recognised each face in the input at all.

    A heavily damaged input may not be parsed as a face; its labels then say nothing about what covers it. This is
    assumed if less than the given share of the restored face's inner parts is face in the input, too.
    """
    restored = region_mask(restored_labels, _INNER_REGIONS)
    agreed = restored & region_mask(input_labels, _INNER_REGIONS)
    return [bool(a >= share * max(r, 1)) for a, r in zip(_areas(agreed), _areas(restored), strict=True)]


def _areas(mask: Tensor) -> list[int]:
    return mask.flatten(1).sum(dim=1).tolist()
