"""Make restored faces look as if taken with the same camera as their picture: colours, then grain."""

from collections.abc import Sequence
from dataclasses import replace

import torch

from ...types import RestoredFace
from .colour import match_color
from .grain import transfer_grain


def match_faces(
    faces: Sequence[RestoredFace], *, color_match: float, grain: float, seed: int = 0
) -> list[RestoredFace]:
    """The same faces with the colours and, on request, the grain of the crops they were made from.

    Each face is compared with its own crop inside its own mask, or in the whole crop while it has none. color_match and
    grain are strengths in [0, 1]; face number i gets noise from seed + i. A grey crop gives a neutral face at every
    strength. Raises InputError for a strength out of range.
    """
    return [_match_face(face, color_match, grain, seed + number) for number, face in enumerate(faces)]


def _match_face(face: RestoredFace, color_match: float, grain: float, seed: int) -> RestoredFace:
    mask = torch.ones_like(face.image[:1]) if face.mask is None else face.mask
    image = match_color(face.image, face.crop.image, mask, color_match)
    return replace(face, image=transfer_grain(image, face.crop.image, mask, grain, seed))
