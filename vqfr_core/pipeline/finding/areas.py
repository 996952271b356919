"""Where faces may be: boxes and areas, from the user or other programs."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...types import Box

_MIN_PX = 4
"""Smaller areas are brush slips or segmentation noise."""
_MIN_BOX_OVERLAP = 0.3
_MIN_MASK_COVER = 0.5


def reason_outside(
    box: Box, image_size: tuple[int, int], boxes: Sequence[Box] | None, area: Tensor | None
) -> str | None:
    """Why a face's box is outside; None if it is inside, or there are no limits.

    image_size: (height, width). boxes: one must contain the face's centre, or overlap it by 0.3 (intersection over
    union); an empty list excludes all. area: (H, W) in [0, 1] from `check_area`, stretched to the image: it must cover
    half of the face's box.
    """
    if boxes is not None and not _is_in_boxes(box, boxes):
        return "outside the given boxes"
    cover = 1.0 if area is None else _cover(box, area, image_size)
    return None if cover >= _MIN_MASK_COVER else f"outside the mask (it covers {cover:.0%} of the face)"


def check_boxes(boxes: Sequence[Box]) -> list[Box]:
    """The boxes as `Box`. Raises InputError for one without extent."""
    checked = as_boxes(boxes)
    for index, box in enumerate(checked):
        if not box.area:
            raise InputError(f"box {index}: needs x0, y0, x1, y1 with x0 < x1 and y0 < y1, got {tuple(box)}")
    return checked


def as_boxes(boxes: Sequence[Box]) -> list[Box]:
    """The boxes as `Box`. Raises InputError for one that is not four finite numbers."""
    checked = []
    for index, box in enumerate(boxes):
        corners = tuple(float(value) for value in box)
        if len(corners) != 4 or not all(map(math.isfinite, corners)):
            raise InputError(f"box {index}: needs x0, y0, x1, y1 as finite numbers, got {corners}")
        checked.append(Box(*corners))
    return checked


def check_area(mask: Tensor) -> Tensor:
    """A mask (H, W) or (1, H, W) as (H, W). Raises InputError for another shape or type."""
    if mask.ndim == 3 and mask.shape[0] == 1:
        mask = mask[0]
    if mask.ndim != 2 or 0 in mask.shape or not (mask.is_floating_point() or mask.dtype == torch.bool):
        raise InputError(f"mask: needs (H, W) or (1, H, W) in [0, 1], got {mask.dtype} {tuple(mask.shape)}")
    return mask


def boxes_of_mask(mask: Tensor, image_size: tuple[int, int]) -> list[Box]:
    """A box around each separate area of a mask, from left to right.

    mask: (H, W) in [0, 1], stretched to the image; an area is where it is above 0.5, touching corners included.
    image_size: (height, width) of the image. Boxes are in its pixels. Raises InputError for another shape.
    """
    import cv2

    if mask.ndim != 2 or 0 in mask.shape:
        raise InputError(f"mask: needs the shape (H, W), got {tuple(mask.shape)}")
    painted = (mask > 0.5).cpu().numpy().astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(painted, connectivity=8)
    scale_y, scale_x = image_size[0] / mask.shape[0], image_size[1] / mask.shape[1]
    boxes = [
        # From the outer edges of the first and last pixel, since pixel centres are at integers.
        Box(x * scale_x - 0.5, y * scale_y - 0.5, (x + width) * scale_x - 0.5, (y + height) * scale_y - 0.5)
        for x, y, width, height, _ in stats[1:].tolist()  # the first is the unpainted background
        if min(width * scale_x, height * scale_y) >= _MIN_PX
    ]
    return sorted(boxes)


def _is_in_boxes(box: Box, boxes: Sequence[Box]) -> bool:
    x, y = box.center
    if any(other.x0 <= x <= other.x1 and other.y0 <= y <= other.y1 for other in boxes):
        return True
    if not boxes:
        return False
    from torchvision.ops import box_iou

    mine, others = (torch.tensor(each, dtype=torch.float64) for each in ([box], list(boxes)))
    return float(box_iou(mine, others).max()) >= _MIN_BOX_OVERLAP


def _cover(box: Box, mask: Tensor, image_size: tuple[int, int]) -> float:
    """Mean of the mask (H, W) inside a box of the image, whose size may differ from the mask's."""
    rows = _mask_span(box.y0, box.y1, image_size[0], mask.shape[0])
    columns = _mask_span(box.x0, box.x1, image_size[1], mask.shape[1])
    return float(mask[rows, columns].float().mean())


def _mask_span(low: float, high: float, image_length: int, mask_length: int) -> slice:
    scale = mask_length / image_length
    first = min(max(round((low + 0.5) * scale), 0), mask_length - 1)
    return slice(first, min(max(round((high + 0.5) * scale), first + 1), mask_length))
