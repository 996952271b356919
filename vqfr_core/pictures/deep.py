"""Colour pictures with more than 8 bits a channel. Pillow has no such mode, OpenCV decodes them at full depth."""

from pathlib import Path

import numpy as np

from ..errors import InputError


def decode_deep(path: Path) -> np.ndarray:
    """The pixels of a PNG or TIFF as stored: (H, W) gray, (H, W, 3) RGB or (H, W, 4) RGBA, uint16 or float32.

    Raises InputError when the file is damaged or OpenCV is missing.
    """
    try:
        import cv2
    except ImportError as error:
        raise InputError(
            f"{path}: a picture with 16 bits or more a channel needs OpenCV; "
            "install it with: pip install opencv-python-headless"
        ) from error
    try:
        array = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise InputError(f"{path}: OpenCV cannot decode it ({error}); save it again as an 8-bit PNG") from error
    if array is None:
        raise InputError(f"{path}: the file is damaged or cut off; copy or save it again")
    if array.dtype == np.float64:
        array = array.astype(np.float32)
    if array.ndim == 3:
        array = array[..., [2, 1, 0, 3][: array.shape[2]]]
    return array
