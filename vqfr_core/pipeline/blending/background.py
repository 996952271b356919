"""The background of the result: the image at the output's size."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError

Background = Tensor | Callable[[Tensor, tuple[int, int]], Tensor]
"""An image of the output's size, or a function of (image, (height, width)) that makes one."""


def output_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """(height, width) of the result for an image of that size. Raises InputError unless scale is within 1 to 4."""
    if not 1.0 <= scale <= 4.0:
        raise InputError(f"scale: {scale} is outside 1 to 4; enlarge the result further with another tool")
    return round(size[0] * scale), round(size[1] * scale)


def prepare_background(image: Tensor, size: tuple[int, int], background: Background | None) -> Tensor:
    """The background of the result: floating point (3, height, width) on the image's device, in its dtype.

    image: (3, H, W). Without a given background the image is returned as is if it has the right size, else enlarged by
    Lanczos. May return the image or the given tensor itself: copy before writing. Raises InputError if a given
    background has another shape.
    """
    if background is None:
        return image if tuple(image.shape[-2:]) == size else resize_lanczos(image, size)
    made = background if isinstance(background, Tensor) else background(image, size)
    if not isinstance(made, Tensor) or tuple(made.shape) != (3, *size) or not made.is_floating_point():
        got = f"{made.dtype} {tuple(made.shape)}" if isinstance(made, Tensor) else type(made).__name__
        raise InputError(f"background: needs a floating point tensor (3, {size[0]}, {size[1]}), got {got}")
    return made.to(device=image.device, dtype=image.dtype)


def resize_lanczos(
    image: Tensor, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Tensor:
    """The image (3, H, W), or the part of it inside the box, resized to (height, width) by Pillow's Lanczos filter.

    In float. The outer edges of both coincide, and the box (x0, y0, x1, y1) is of edges, too. Overshoot is clipped to
    the image's own range, or to [0, 1] if that is wider.
    """
    from PIL import Image

    planes = image.detach().to(device="cpu", dtype=torch.float32).contiguous().numpy()
    resized = np.empty(
        (3, *size), dtype=np.float32
    )  # no tensor: inference mode, which hosts use, does not cross threads

    def resize_plane(channel: int) -> None:
        plane = Image.fromarray(planes[channel])
        resized[channel] = np.asarray(plane.resize((size[1], size[0]), Image.Resampling.LANCZOS, box))

    with ThreadPoolExecutor(3) as threads:  # Pillow lets other threads run while it resizes
        list(threads.map(resize_plane, range(3)))
    low, high = min(0.0, float(planes.min())), max(1.0, float(planes.max()))
    return torch.from_numpy(resized).clamp_(low, high).to(device=image.device, dtype=image.dtype)
