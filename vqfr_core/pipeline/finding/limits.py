"""Which of the faces found are worth restoring, and the reason where one is not."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ...errors import InputError
from ...types import Detections, FaceDetection, SkippedFace
from ..align import estimate_image_to_crop


class SizeLimits(NamedTuple):
    """Which faces are worth restoring; a limit of 0 px, and fractions 0 and 1, let everything pass."""

    min_px: float
    """Least shorter side."""
    max_px: float
    """Greatest longer side."""
    min_fraction: float
    """Least longer side as a part of the image's shorter side."""
    max_fraction: float
    """Greatest longer side as a part of the image's shorter side."""


def sort_out(
    faces: Sequence[FaceDetection], image_size: tuple[int, int], min_confidence: float, limits: SizeLimits
) -> Detections:
    """Split faces of an image of (height, width) into those to use, largest first, and those to skip, surest first."""
    used: list[FaceDetection] = []
    skipped: list[SkippedFace] = []
    for face in faces:
        reason = reason_to_skip(face, image_size, min_confidence, limits)
        if reason is None:
            used.append(face)
        else:
            skipped.append(SkippedFace(face, reason))
    used.sort(key=lambda face: -face.box.area)
    skipped.sort(key=lambda face: -face.detection.score)
    return Detections(used, skipped)


def reason_to_skip(
    face: FaceDetection, image_size: tuple[int, int], min_confidence: float, limits: SizeLimits
) -> str | None:
    """A short sentence, or None for a face to use."""
    shorter, longer = sorted((face.box.width, face.box.height))
    fraction = longer / min(image_size)
    if face.score < min_confidence:
        shown = math.floor(face.score * 100) / 100  # rounded up it could read like the limit
        return f"confidence below {min_confidence:g} ({shown:.2f})"
    if shorter < limits.min_px:
        return f"smaller than {limits.min_px:g} px ({shorter:.0f} px)"
    if 0 < limits.max_px < longer:
        return f"larger than {limits.max_px:g} px ({longer:.0f} px)"
    if fraction < limits.min_fraction:
        return f"smaller than {limits.min_fraction:.0%} of the image's shorter side ({fraction:.0%})"
    if limits.max_fraction < 1 and fraction > limits.max_fraction:
        return f"larger than {limits.max_fraction:.0%} of the image's shorter side ({fraction:.0%})"
    try:
        estimate_image_to_crop(face.landmarks)
    except InputError as error:
        return str(error)
    return None
