"""Colour pictures with more than 8 bits a channel. Pillow has no such mode; OpenCV decodes them at full depth."""

from pathlib import Path

import numpy as np

from ..errors import InputError
from .tiff_tags import header_starting_at


def decode_deep(path: Path, page_offset: int | None = None) -> np.ndarray:
    """The pixels of a PNG or TIFF as stored: (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint16 or float32.

    page_offset: where a page's directory is in a TIFF; None for the first.
    Raises InputError when the file is damaged or OpenCV is missing.
    """
    try:
        import cv2
    except ImportError as error:
        raise InputError(
            f"{path}: a picture with 16 bits or more a channel needs OpenCV; "
            "install it with: pip install opencv-python-headless"
        ) from error
    data = np.fromfile(path, np.uint8) if page_offset is None else _with_first_page(path, page_offset)
    try:
        array = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError(f"{path}: OpenCV cannot decode it ({error}); save it again as an 8-bit PNG") from error
    if array is None:
        raise InputError(f"{path}: the file is damaged or cut off; copy or save it again")
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    if array.ndim == 3:
        array = array[..., [2, 1, 0, 3][: array.shape[2]]]
    return array


def _with_first_page(path: Path, page_offset: int) -> np.ndarray:
    """The bytes of a TIFF, starting with another page.

    `cv2.imreadmulti` counts thumbnails as pages, walks through all earlier pages, and cannot open every name on
    Windows. Only the parts of the file that are used are loaded.
    """
    data = np.memmap(path, np.uint8, mode="c")
    header = header_starting_at(data[:16].tobytes(), page_offset)
    data[: len(header)] = np.frombuffer(header, np.uint8)
    return data
