"""Areas painted by hand or found by other programs, as boxes around faces."""

import numpy as np
from torch import Tensor

from ...errors import InputError
from ...types import Box

_MIN_PX = 4
"""Smaller areas are slips of the brush or noise of a segmentation."""


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
        # From the outer edges of the first and the last pixel, since pixel centres lie at integers.
        Box(x * scale_x - 0.5, y * scale_y - 0.5, (x + width) * scale_x - 0.5, (y + height) * scale_y - 0.5)
        for x, y, width, height, _ in stats[1:].tolist()  # the first is what is not painted
        if min(width * scale_x, height * scale_y) >= _MIN_PX
    ]
    return sorted(boxes)
