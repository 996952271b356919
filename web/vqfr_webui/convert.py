"""Convert between the WebUI's images (Pillow, arrays, base64) and the core's."""

import base64
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vqfr_core.errors import InputError, shortened

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
    """The picture in base64, with or without a data URL prefix, turned upright, as RGB or RGBA. Nothing is fetched.

    Raises InputError for text that is not a picture, and, before decoding, for more than `max_pixels`.
    """
    from vqfr_core.pictures import open_picture
    from vqfr_core.pictures.stills import first_frame

    head, _, body = text.partition(",") if text.startswith("data:") else ("", "", text)
    try:
        content = base64.b64decode("".join(body.split()), validate=True)
    except ValueError as error:
        after = f" after {shortened(head)}," if head else ""
        raise InputError(f"image: needs a picture file in base64{after}: {error}") from error
    with tempfile.TemporaryDirectory(prefix="vqfr-") as folder:
        path = Path(folder, "image")
        path.write_bytes(content)
        try:
            with open_picture(path, max_pixels) as file:
                return to_image(first_frame(file))
        except InputError as error:
            raise InputError(str(error).replace(str(path), "image")) from error


def encode_image(image: Image.Image) -> str:
    """A picture as PNG in base64."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
