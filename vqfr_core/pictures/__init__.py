"""Pictures on disk and in other libraries' forms, in and out of the core's images."""

from .convert import to_array, to_pil, to_tensor
from .picture import Frame, Picture
from .read import READABLE_SUFFIXES, read_picture
from .write import WRITABLE_SUFFIXES, write_picture

__all__ = [
    "READABLE_SUFFIXES",
    "WRITABLE_SUFFIXES",
    "Frame",
    "Picture",
    "read_picture",
    "to_array",
    "to_pil",
    "to_tensor",
    "write_picture",
]
