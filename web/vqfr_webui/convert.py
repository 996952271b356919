"""Convert between the WebUI's images (Pillow, arrays, base64) and the core's."""

import base64
import binascii
import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from vqfr_core.errors import InputError
from vqfr_core.pictures.formats import pillow_formats

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


def decode_image(text: str, max_pixels: int) -> Image.Image:
    """The picture in base64, with or without a data URL prefix, turned upright. Nothing is fetched.

    Raises InputError for text that is not a picture, and, before decoding, for more than `max_pixels`.
    """
    head, _, body = text.partition(",") if text.startswith("data:") else ("", "", text)
    try:
        content = io.BytesIO(base64.b64decode("".join(body.split()), validate=True))
        image: Image.Image = Image.open(content, formats=pillow_formats())
        if image.width * image.height > max_pixels:
            raise InputError(f"image: {image.width} x {image.height} px is more than the {max_pixels:,} pixels allowed")
        image = ImageOps.exif_transpose(image)
    except (binascii.Error, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"image: needs a picture file in base64{f' after {head},' if head else ''}: {error}"
        ) from error
    return image


def encode_image(image: Image.Image) -> str:
    """A picture as PNG in base64."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
