"""Pictures in base64, in and out."""

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError, shortened
from ..pictures import Picture, PictureFile, write_picture
from ..pictures.losses import tell_loss
from ..pictures.stills import first_frame


def decode_picture(text: str, open_picture: Callable[[Path], PictureFile]) -> Picture:
    """The picture in base64, with or without a data URL prefix, turned upright; of an animation the first frame.

    Nothing is fetched. What is left out is told as a loss. Raises InputError for text that is not a picture.
    """
    content = _content(text)
    with tempfile.TemporaryDirectory(prefix="vqfr-") as folder:
        path = Path(folder, "image")
        path.write_bytes(content)
        try:
            with open_picture(path) as file:
                if file.num_frames > 1:
                    tell_loss(f"image: has {file.num_frames} frames or pages; only the first was used")
                return first_frame(file)
        except InputError as error:
            raise InputError(str(error).replace(str(path), "image")) from error


def encode_picture(picture: Picture) -> str:
    """A picture as PNG in base64."""
    with tempfile.TemporaryDirectory(prefix="vqfr-") as folder:
        path = Path(folder, "image.png")
        write_picture(picture, path)
        return base64.b64encode(path.read_bytes()).decode("ascii")


def _content(text: str) -> bytes:
    head, _, body = text.partition(",") if text.startswith("data:") else ("", "", text)
    try:
        return base64.b64decode("".join(body.split()), validate=True)
    except ValueError as error:
        after = f" after {shortened(head)}," if head else ""
        raise InputError(f"image: needs a picture file in base64{after}: {error}") from error
