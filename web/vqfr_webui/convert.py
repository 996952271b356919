"""Convert between the WebUI's images (Pillow, arrays) and the core's."""

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor

    from vqfr_core.pictures import Picture


def to_picture(image: Image.Image) -> "Picture":
    """A Pillow image as the core's picture; its transparency is kept separately."""
    from vqfr_core.pictures import Frame, Picture
    from vqfr_core.pictures.convert import pixels_from_pil

    pixels = pixels_from_pil(image)
    return Picture((Frame(pixels.image, pixels.alpha),))


def to_image(picture: "Picture") -> Image.Image:
    """The core's picture as an RGB or RGBA image."""
    from vqfr_core.pictures import to_pil

    frame = picture.frames[0]
    return to_pil(frame.image, frame.alpha)


def array_to_image(array: np.ndarray) -> Image.Image:
    """(H, W, 3) RGB uint8, as the WebUI hands pictures to face restorers."""
    return Image.fromarray(np.ascontiguousarray(array))


def mask_to_area(mask: Image.Image) -> "Tensor":
    """A mask, white where it applies, as (H, W) in [0, 1]."""
    import torch

    return torch.from_numpy(np.asarray(mask.convert("L"), np.float32) / 255)
