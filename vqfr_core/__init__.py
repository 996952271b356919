"""Face restoration with VQFR (Gu et al., ECCV 2022, arXiv 2205.06803).

>>> from vqfr_core import FaceRestorer, RestoreOptions, read_picture, write_picture
>>> picture = read_picture("portrait.jpg")
>>> result = FaceRestorer().restore(picture.images[0], RestoreOptions(fidelity=0.3))
>>> write_picture(picture.with_images([result.image]), "restored.png")
>>> print(result.report.summary())
"""

from typing import TYPE_CHECKING

from .later import names_later

if TYPE_CHECKING:
    from .errors import (
        Cancelled,
        DownloadError,
        InputError,
        OutOfMemoryError,
        RestorationError,
        VqfrError,
        WeightsError,
    )
    from .options import RestoreOptions, option_specs
    from .pictures import Picture, read_picture, to_array, to_pil, to_tensor, write_picture
    from .restoration import Restoration
    from .restorer import FaceRestorer
    from .types import Box, Detections, FaceCrop, FaceDetection, Point, RestoredFace, SkippedFace
    from .weights.load_model import load_model

__version__ = "0.1.0"

__all__ = [
    "Box",
    "Cancelled",
    "Detections",
    "DownloadError",
    "FaceCrop",
    "FaceDetection",
    "FaceRestorer",
    "InputError",
    "OutOfMemoryError",
    "Picture",
    "Point",
    "Restoration",
    "RestorationError",
    "RestoreOptions",
    "RestoredFace",
    "SkippedFace",
    "VqfrError",
    "WeightsError",
    "load_model",
    "option_specs",
    "read_picture",
    "to_array",
    "to_pil",
    "to_tensor",
    "write_picture",
]

_NAMES = {
    "errors": "Cancelled DownloadError InputError OutOfMemoryError RestorationError VqfrError WeightsError",
    "pictures": "Picture read_picture to_array to_pil to_tensor write_picture",
    "weights.load_model": "load_model",
    "options": "RestoreOptions option_specs",
    "restoration": "Restoration",
    "restorer": "FaceRestorer",
    "types": "Box Detections FaceCrop FaceDetection Point RestoredFace SkippedFace",
}

__getattr__ = names_later(__name__, _NAMES)
