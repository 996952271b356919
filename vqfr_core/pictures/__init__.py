"""Convert pictures on disk and in other libraries' formats to and from the core's images."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_MODULES = {
    "convert": "to_array to_pil to_tensor",
    "picture": "Frame Picture PictureInfo",
    "picture_file": "PictureFile",
    "read": "open_picture read_picture",
    "write": "write_frames write_picture",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: the table of formats does not need PyTorch."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value
