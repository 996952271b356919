"""Convert pictures on disk and in other libraries' formats to and from the core's images."""

from typing import TYPE_CHECKING

from ..later import names_later
from .formats import READABLE_SUFFIXES, WRITABLE_SUFFIXES

if TYPE_CHECKING:
    from .convert import to_array, to_pil, to_tensor
    from .picture import Frame, Picture, PictureInfo
    from .picture_file import PictureFile
    from .read import open_picture, read_picture
    from .write import write_frames, write_picture

__all__ = [
    "READABLE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Frame",
    "Picture",
    "PictureFile",
    "PictureInfo",
    "open_picture",
    "read_picture",
    "to_array",
    "to_pil",
    "to_tensor",
    "write_frames",
    "write_picture",
]

_NAMES = {
    "convert": "to_array to_pil to_tensor",
    "picture": "Frame Picture PictureInfo",
    "picture_file": "PictureFile",
    "read": "open_picture read_picture",
    "write": "write_frames write_picture",
}

__getattr__ = names_later(__name__, _NAMES)
