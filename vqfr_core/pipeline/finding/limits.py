"""Which of the faces found are worth restoring, and the reason where one is not."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ...errors import InputError
from ...options import FindOptions
from ...types import Face, FaceDetection
from ..align import estimate_image_to_crop


class Limits(NamedTuple):
    """Which faces are worth restoring; a limit of 0 px, and fractions 0 and 1, allow everything."""

    min_confidence: float
    """Minimum confidence of the detector."""
    min_px: float
    """Minimum shorter side."""
    max_px: float
    """Maximum longer side."""
    min_fraction: float
    """Minimum longer side as a fraction of the image's shorter side."""
    max_fraction: float
    """Maximum longer side as a fraction of the image's shorter side."""

    @classmethod
    def of(cls, options: FindOptions) -> "Limits":
        return cls(
            options.min_confidence,
            options.min_face_px,
            options.max_face_px,
            options.min_face_fraction,
            options.max_face_fraction,
        )


def judge_faces(faces: Sequence[FaceDetection], image_size: tuple[int, int], limits: Limits) -> tuple[Face, ...]:
    """The faces of an image of (height, width): used ones first, largest first, then the others by confidence."""
    judged = [Face(face, skipped=reason_to_skip(face, image_size, limits)) for face in faces]
    used = sorted((face for face in judged if face.skipped is None), key=lambda face: -face.detection.box.area)
    left = sorted((face for face in judged if face.skipped is not None), key=lambda face: -face.detection.score)
    return (*used, *left)


def reason_to_skip(face: FaceDetection, image_size: tuple[int, int], limits: Limits) -> str | None:
    """A short sentence, or None for a face to use."""
    shorter, longer = sorted((face.box.width, face.box.height))
    fraction = longer / min(image_size)
    if face.score < limits.min_confidence:
        shown = math.floor(face.score * 100) / 100  # rounded up it could read like the limit
        return f"confidence below {limits.min_confidence:g} ({shown:.2f})"
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
