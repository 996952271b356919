"""Where a restored face replaces the image: masks in crop coordinates, from landmarks or from the whole crop.

Shapes that depend on the face are drawn in its own frame: "down" from the eyes to the mouth, "across" at a right angle
to it, lengths in units of the distance between the features. Widths of edges are parts of the face's size, which is
FACE_FRACTION of the crop's side: in an aligned crop a face measures about that from the brows to the chin and from
cheek to cheek.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import InputError
from ...networks.face_parsing import FaceParser, check_regions, parse_faces, parsing_mask, readable_inputs
from ...options import MASK_KINDS, MASK_REGIONS
from ...types import RestoredFace
from ..affine import transform_points

_log = logging.getLogger(__name__)

FACE_FRACTION = 0.6
"""The face's size in an aligned crop, as a part of the crop's side (307 px of 512)."""

_RIM_FRACTION = 1 / 64
"""The outermost part of the crop that is always 0 (8 px of 512), so that no resampling kernel sees the crop's end."""
_FADE_FRACTION = 1 / 32
"""From there on a mask may grow; it is free to reach 1 after this part of the crop (16 px of 512)."""

# The face's outline, measured on aligned portraits. Lengths along "down" are in units of eyes-to-mouth and start at the
# eyes; lengths across are in units of the face's scale.
_BROW_TO_HAIR = -0.82
_WIDEST = 0.30
_CHIN = 1.72
_HALF_WIDTH = 1.12
_YAW_SHIFT = 1.1
"""How much wider the near side is and narrower the far side when the nose leaves the middle by one face scale."""
_JAW_TAPER = 0.30
_SOFTNESS = 0.24
"""Part of the outline's radius over which a soft mask falls from 1 to 0."""
_REACH, _REACH_WITH_HAIR = 1.7, 2.6
"""How many outlines far from the face's middle a parsing mask may go: ears included, or hair and neck, too."""


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
    """Size of the features that neither a turned nor a nodding head shrinks much, in pixels."""
    turn: float
    """How far the nose is off the middle, to the viewer's right, in units of scale: 0 for a frontal face."""


def find_frame(landmarks: np.ndarray) -> FaceFrame:
    """The face's axes from five points (5, 2) in crop pixels: left eye, right eye, nose, left and right mouth corner.

    Raises InputError when the points are not five finite points or all fall together.
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
    # A profile has hardly any distance between the eyes, a bowed head hardly any to the mouth: the longer one leads.
    down = to_mouth + upright if to_mouth @ upright > 0 else to_mouth
    length = float(np.hypot(*down))
    if length < 1.0:
        raise InputError("landmarks: eyes and mouth fall together, so there is no face to mask; detect the face again")
    down = down / length
    across = np.array([down[1], -down[0]])
    eye_distance, height = float(np.hypot(*(points[1] - points[0]))), float(to_mouth @ down)
    scale = max(eye_distance, 0.96 * height)
    height = max(height, 0.6 * scale)
    turn = float((points[2] - (eyes + mouth) / 2) @ across) / scale
    return FaceFrame(eyes, across, down, height, scale, float(np.clip(turn, -0.5, 0.5)))


def soft_face_mask(landmarks: np.ndarray, size_px: int = 512, *, grow: float = 1.0) -> Tensor:
    """A face-shaped mask with a wide soft edge: most of the forehead, brows, cheeks and chin; it turns with the pose.

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
    taper = 1.0 - _JAW_TAPER * torch.where(down < 0, 0.4 * vertical, vertical).clamp(0, 1) ** 2
    horizontal = across.abs() / (frame.scale * _HALF_WIDTH * grow * sides * taper)
    radius = (horizontal.pow(2.2) + vertical.abs().pow(2.2)).pow(1 / 2.2)
    return (_smooth_step((1.0 - radius) / _SOFTNESS) * border_window(size_px))[None]


def box_mask(size_px: int = 512) -> Tensor:
    """The whole crop but its rim: float32 (1, size_px, size_px) in [0, 1], exactly 0 at the border."""
    return border_window(size_px)[None]


def border_window(size_px: int, inset_px: int = 0) -> Tensor:
    """float32 (size_px, size_px): 0 in the crop's rim and inset_px further in, then a short smooth ramp to 1."""
    axis = torch.arange(size_px, dtype=torch.float32)
    depth = torch.minimum(axis, size_px - 1 - axis) + 1.0 - inset_px
    side = _smooth_step((depth - size_px * _RIM_FRACTION) / (size_px * _FADE_FRACTION))
    return torch.minimum(side[:, None], side[None, :])


def shape_mask(mask: Tensor, *, erode: float, feather: float) -> Tensor:
    """Shrink (or, with a negative number, grow) a mask and soften its edge.

    mask: (..., 1, S, S) in [0, 1], crop coordinates. erode and feather are parts of the face's size, FACE_FRACTION * S:
    at 512 pixels 0.02 moves the edge by 6 px; a feather of 0.06 turns a hard edge into one 18 px wide, half of it on
    each side. Returns the same shape in float32 in [0, 1], exactly 0 at the crop's border whatever was put in.
    """
    size_px = mask.shape[-1]
    if mask.ndim < 3 or mask.shape[-2] != size_px or mask.shape[-3] != 1:
        raise InputError(f"mask: needs the shape (..., 1, S, S), got {tuple(mask.shape)}")
    face_px = FACE_FRACTION * size_px
    reach_px = round(feather * face_px / 2)
    shaped = mask.float().reshape(-1, 1, size_px, size_px).clamp(0, 1)
    # Kept clear of the border by the blur's reach, so that the blur ends where the rim starts.
    shaped = _move_edge(shaped, round(erode * face_px)) * border_window(size_px, reach_px).to(shaped.device)
    return _blur(shaped, reach_px).clamp(0, 1).reshape(mask.shape)


def make_masks(
    faces: Sequence[RestoredFace],
    *,
    kind: str,
    regions: str | Sequence[str],
    erode: float,
    feather: float,
    parser: FaceParser | None,
) -> list[RestoredFace]:
    """The same faces, each with a mask.

    kind: "parsing", "soft", "box", or "auto" for parsing when there is a parser and soft when not. regions: names from
    MASK_REGIONS, only used by parsing. erode, feather: see shape_mask. Raises InputError for an unknown kind or region
    and for parsing without a parser.
    """
    if kind not in MASK_KINDS:
        raise InputError(f"mask: {kind!r} is not known; choose one of {', '.join(MASK_KINDS)}")
    chosen = check_regions(regions)
    if kind == "parsing" and parser is None:
        raise InputError("mask: parsing needs the weights of a face parser; download them, or choose auto, soft or box")
    if not faces:
        return []
    if parser is not None and kind in ("auto", "parsing"):
        if not chosen:
            raise InputError(f"regions: none is chosen, so no face would change; choose from {', '.join(MASK_REGIONS)}")
        masks = _parsed_masks(faces, chosen, parser)
    elif kind == "box":
        masks = [box_mask(face.image.shape[-1]) for face in faces]
    else:
        masks = [soft_face_mask(crop_landmarks(face), face.image.shape[-1]) for face in faces]
    shaped = [shape_mask(mask, erode=erode, feather=feather) for mask in masks]
    return [replace(face, mask=mask.to(face.image.device)) for face, mask in zip(faces, shaped, strict=True)]


def crop_landmarks(face: RestoredFace) -> np.ndarray:
    """The face's five points in crop pixels, float64 (5, 2)."""
    return transform_points(face.crop.detection.landmarks, face.crop.image_to_crop)


def _parsed_masks(faces: Sequence[RestoredFace], regions: tuple[str, ...], parser: FaceParser) -> list[Tensor]:
    images = [face.image.float().cpu() for face in faces]
    before = parse_faces(torch.stack([face.crop.image.float().cpu() for face in faces]), parser)
    after = parse_faces(torch.stack(images), parser)
    readable = readable_inputs(before, after)
    for number, seen in enumerate(readable):
        if not seen:
            _log.warning("face %d: too damaged to be parsed, so its mask comes from the restored face alone", number)
    agreed = parsing_mask(torch.where(_each(readable), before, after), after, regions)
    # The crop may show a neighbour, too: parts far from this face's own landmarks are not this face's.
    grow = _REACH_WITH_HAIR if {"hair", "neck"} & set(regions) else _REACH
    zones = [soft_face_mask(crop_landmarks(face), face.image.shape[-1], grow=grow) for face in faces]
    return [mask * zone for mask, zone in zip(agreed, zones, strict=True)]


def _each(flags: list[bool]) -> Tensor:
    return torch.tensor(flags).view(-1, 1, 1)


def _smooth_step(x: Tensor) -> Tensor:
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)


def _move_edge(mask: Tensor, inwards_px: int) -> Tensor:
    """Grey erosion (dilation when negative) by an octagon; what lies outside the crop has no say."""
    if inwards_px < 0:
        return -_move_edge(-mask, -inwards_px)
    for step in range(inwards_px):
        # A square step now and then between the diamond ones makes the octagon near enough to a disc.
        across = _smallest_of_three(mask, -1)
        square = step % 5 in (1, 3)
        mask = _smallest_of_three(across, -2) if square else torch.minimum(across, _smallest_of_three(mask, -2))
    return mask


def _smallest_of_three(mask: Tensor, dim: int) -> Tensor:
    """The smallest of each value and its two neighbours along dim (-1 or -2)."""
    length = mask.shape[dim]
    wide = F.pad(mask, (1, 1, 0, 0) if dim == -1 else (0, 0, 1, 1), value=math.inf)
    return torch.minimum(mask, torch.minimum(wide.narrow(dim, 0, length), wide.narrow(dim, 2, length)))


def _blur(mask: Tensor, reach_px: int) -> Tensor:
    """Gaussian blur of the (B, 1, S, S) mask with a kernel that ends reach_px away from its middle."""
    if reach_px < 1:
        return mask
    axis = torch.arange(mask.shape[-1], dtype=torch.float32, device=mask.device)
    distance = (axis[:, None] - axis[None, :]).abs()
    kernel = torch.exp(-0.5 * (distance * (2.2 / reach_px)) ** 2) * (distance <= reach_px)
    reach = torch.arange(-reach_px, reach_px + 1, dtype=torch.float32)
    # As a product of matrices the cost does not grow with the reach.
    kernel = kernel / float(torch.exp(-0.5 * (reach * (2.2 / reach_px)) ** 2).sum())
    return kernel @ mask @ kernel.T
