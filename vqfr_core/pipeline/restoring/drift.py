"""How far restoring moved a face: its landmarks, and its light and shade.

A network that misreads a face puts eyes, nose or mouth elsewhere, or paints a shadow as something else. Both show at a
size at which even a heavily degraded input can be trusted.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...luma import luma
from ...networks.base import Detector
from ...types import Drift, Face, ImageFaces
from ..finding.second_look import find_in_crops

_GRID = 16
_ROWS, _COLUMNS = slice(6, 13), slice(4, 12)
"""The inner face in a grid of 16 x 16 areas."""


LANDMARK_LIMIT = 0.1
TONE_LIMIT = 4.0
"""From here on a face has drifted too far; docs/measures.md shows how they were chosen."""


def measure_drift(images: Sequence[ImageFaces], detector: Detector) -> list[ImageFaces]:
    """The images with the drift of their restored faces, and a warning where it is large.

    Faces that are measured already, or have no crop or result, stay as they are.
    """
    return [entry.with_used(_measured(face, detector) for face in entry.used) for entry in images]


def drifts(crop: Tensor, results: Sequence[Tensor], detector: Detector) -> list[Drift]:
    """The drift of each result from the same crop; all (3, S, S), RGB in [0, 1]."""
    crop = crop.float().cpu()
    before, *after = find_in_crops(torch.stack([crop, *results]), detector)
    return [
        Drift(_landmark_drift(before, landmarks), _tone_drift(crop, result))
        for landmarks, result in zip(after, results, strict=True)
    ]


def has_drifted(drift: Drift) -> bool:
    """Whether the result may no longer look like the input."""
    return drift.tones > TONE_LIMIT or (drift.landmarks is not None and drift.landmarks > LANDMARK_LIMIT)


def with_drift(face: Face, drift: Drift) -> Face:
    """The face with its drift, and a warning if that is large."""
    return replace(face, drift=drift, warning=_warning(drift) if has_drifted(drift) else None)


def _measured(face: Face, detector: Detector) -> Face:
    if face.drift is not None or face.crop is None or face.restored is None:
        return face
    return with_drift(face, drifts(face.crop.image, [face.restored], detector)[0])


def _warning(drift: Drift) -> str:
    moved = "" if drift.landmarks is None else f"features moved by {drift.landmarks:.0%} of the eye distance, "
    return (
        f"the restored face may not look like the input ({moved}light and shade changed by {drift.tones:.0f} of 255); "
        "a lower opacity keeps more of the input, and so does a higher fidelity if the model has one"
    )


def _landmark_drift(before: np.ndarray | None, after: np.ndarray | None) -> float | None:
    if before is None or after is None:
        return None
    eye_distance = np.linalg.norm(before[1] - before[0])
    return float(np.linalg.norm(after - before, axis=1).mean() / max(eye_distance, 1.0))


def _tone_drift(crop: Tensor, result: Tensor) -> float:
    difference = F.adaptive_avg_pool2d(luma(result) - luma(crop), _GRID)[0, _ROWS, _COLUMNS]
    return 255 * float((difference - difference.mean()).square().mean().sqrt())
