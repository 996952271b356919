"""The shape of a face, drawn from its landmarks in the face's own frame.

"Down" is from the eyes to the mouth, "across" at a right angle to it; lengths are in units of the distance between the
features. The numbers were measured on aligned portraits.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...types import FaceCrop
from ..affine import transform_points
from .border import border_window, smooth_step

# Lengths along "down" are in units of eyes-to-mouth, from the eyes; lengths across are in units of the scale.
_BROW_TO_HAIR = -0.82
_WIDEST = 0.30
_CHIN = 1.72
_HALF_WIDTH = 1.12
_YAW_SHIFT = 1.1
"""How much the near side widens and the far side narrows when the nose is off the middle by one face scale."""
_JAW_TAPER = 0.30
"""How much narrower the face is at the chin than at its widest."""
_FOREHEAD_SHARE = 0.4
"""Taper towards the hair, as a fraction of that towards the chin."""
_ROUNDNESS = 2.2
"""Exponent of the outline: 2 is an ellipse, larger ones are squarer."""
_SOFTNESS = 0.24
"""Fraction of the outline's radius over which a soft mask falls from 1 to 0."""
_EYES_PER_HEIGHT = 0.96
"""Distance between the eyes over that from eyes to mouth in a frontal face; sets a profile's scale."""
_LEAST_HEIGHT = 0.6
"""Minimum eyes-to-mouth height over the scale; a bowed head shows less, but its face is not that short."""
_MAX_TURN = 0.5


class FaceFrame(NamedTuple):
    """The face's own axes in crop pixels."""

    eyes: np.ndarray
    """(2,) the point between the eyes."""
    across: np.ndarray
    """(2,) unit vector to the viewer's right of an upright face."""
    down: np.ndarray
    """(2,) unit vector from the forehead to the chin."""
    height: float
    """From the eyes to the mouth, in pixels."""
    scale: float
    """Size of the features, hardly affected by a turned or bowed head, in pixels."""
    turn: float
    """How far the nose is off the middle, to the viewer's right, in units of scale: 0 for a frontal face."""


def find_frame(landmarks: np.ndarray) -> FaceFrame:
    """The face's axes from five points (5, 2) in crop pixels: left eye, right eye, nose, left and right mouth corner.

    Raises InputError unless they are five finite, distinct points.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise InputError(
            f"landmarks: a mask needs five finite points (5, 2), got {points.shape}; detect the face again"
        )
    eyes, mouth = (points[0] + points[1]) / 2, (points[3] + points[4]) / 2
    to_mouth = mouth - eyes
    pair = (points[1] - points[0] + points[4] - points[3]) / 2
    upright = np.array([-pair[1], pair[0]])
    # A profile has hardly any distance between the eyes, a bowed head hardly any to the mouth: use the longer one.
    down = to_mouth + upright if to_mouth @ upright > 0 else to_mouth
    length = float(np.hypot(*down))
    if length < 1.0:
        raise InputError("landmarks: eyes and mouth coincide, so there is no face to mask; detect the face again")
    down = down / length
    across = np.array([down[1], -down[0]])
    eye_distance, height = float(np.hypot(*(points[1] - points[0]))), float(to_mouth @ down)
    scale = max(eye_distance, _EYES_PER_HEIGHT * height)
    height = max(height, _LEAST_HEIGHT * scale)
    turn = float((points[2] - (eyes + mouth) / 2) @ across) / scale
    return FaceFrame(eyes, across, down, height, scale, float(np.clip(turn, -_MAX_TURN, _MAX_TURN)))


def soft_face_mask(landmarks: np.ndarray, size_px: int = 512, *, grow: float = 1.0) -> Tensor:
    """A face-shaped mask with a wide soft edge: most of the forehead, brows, cheeks and chin; it follows the pose.

    landmarks: (5, 2), (x, y) in crop pixels, pixel centres at integers. grow enlarges the outline about the face's
    middle. Returns float32 (1, size_px, size_px) on the CPU, in [0, 1], exactly 0 at the crop's border.
    Raises InputError for landmarks without a face.
    """
    frame = find_frame(landmarks)
    axis = torch.arange(size_px, dtype=torch.float32)
    x, y = axis[None, :] - float(frame.eyes[0]), axis[:, None] - float(frame.eyes[1])
    across = x * float(frame.across[0]) + y * float(frame.across[1])
    down = (x * float(frame.down[0]) + y * float(frame.down[1])) / frame.height - _WIDEST
    vertical = torch.where(down < 0, down / (_BROW_TO_HAIR - _WIDEST), down / (_CHIN - _WIDEST)) / grow
    sides = 1.0 - _YAW_SHIFT * frame.turn * torch.sign(across)
    narrowing = torch.where(down < 0, _FOREHEAD_SHARE * vertical, vertical)
    taper = 1.0 - _JAW_TAPER * narrowing.clamp(0, 1) ** 2
    horizontal = across.abs() / (frame.scale * _HALF_WIDTH * grow * sides * taper)
    radius = (horizontal.pow(_ROUNDNESS) + vertical.abs().pow(_ROUNDNESS)).pow(1 / _ROUNDNESS)
    return (smooth_step((1.0 - radius) / _SOFTNESS) * border_window(size_px))[None]


def crop_landmarks(crop: FaceCrop) -> np.ndarray:
    """The face's five points in crop pixels, float64 (5, 2)."""
    return transform_points(crop.detection.landmarks, crop.image_to_crop)
