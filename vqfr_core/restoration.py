"""The result of a restoration: the image, its faces, and how it was made."""

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from .report import Report
from .types import ImageFaces, RestoredFace

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, eq=False)
class Restoration:
    """A finished image and how it was made."""

    image: Tensor
    """RGB float32 in [0, 1], (3, H * scale, W * scale); (3, S * scale, S * scale) for an aligned face."""
    mask: Tensor
    """float32 in [0, 1], (1, ...) of the same size: how much of each pixel comes from restored faces."""
    faces: list[RestoredFace]
    """The restored faces, by number: crops, restored crops and masks."""
    report: Report
    """What was found, used and skipped, with which networks and how long it took."""
    found: ImageFaces = field(default_factory=lambda: ImageFaces(None, (0, 0)), kw_only=True)
    """The faces of the image, restored or skipped, with their numbers; empty if it was made by hand without them."""

    def to_pil(self) -> "Image.Image":
        """The image as an 8-bit RGB Pillow image."""
        from .pictures import to_pil

        return to_pil(self.image.cpu().clamp(0, 1))

    def to_array(self, bit_depth: int = 8) -> np.ndarray:
        """The image as an array (H, W, 3) of uint8, uint16 or float32, for a bit depth of 8, 16 or 32."""
        from .pictures import to_array

        return to_array(self.image.cpu().clamp(0, 1), bit_depth)

    def _repr_png_(self) -> bytes:
        """Shown in notebooks."""
        buffer = io.BytesIO()
        self.to_pil().save(buffer, "PNG")
        return buffer.getvalue()


def restored_faces(found: ImageFaces) -> list[RestoredFace]:
    """The restored faces of an image, by number."""
    return [
        RestoredFace(face.crop, face.restored, face.mask, face.opacity)
        for face in found.used
        if face.crop is not None and face.restored is not None
    ]
