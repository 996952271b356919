"""Where a restored face replaces the image: masks in crop coordinates.

Edge widths are fractions of the face's size, which is FACE_FRACTION of the crop's side: about the distance from brows
to chin, and from cheek to cheek, in an aligned crop; less in a wider view.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import InputError
from ...networks.base import Parser
from ...networks.face_regions import FACE_REGIONS, parse_regions
from ...options import MASK_KINDS, BlendOptions
from ...types import Face, FaceCrop
from .border import border_window
from .face_shape import crop_landmarks, soft_face_mask
from .regions import parsing_mask, readable_inputs

_log = logging.getLogger(__name__)

FACE_FRACTION = 0.6
"""The face's size in an aligned crop, as a fraction of the crop's side (307 px of 512)."""

_REACH, _REACH_WITH_HAIR = 1.7, 2.6
"""How far from the face's middle a parsing mask may reach, in outlines: with ears, or with hair and neck, too."""
_REACH_SIGMAS = 2.2
"""Reach of the blur in standard deviations."""
_SQUARE_STEPS = (1, 3)
"""Of five erosion steps, those by a square; the others use a diamond. Together they make an octagon."""


def needs_parser(kind: str) -> bool:
    """Whether a kind of mask cannot be made without a face parser."""
    return kind in _PARSED


def uses_parser(kind: str) -> bool:
    """Whether a kind of mask is made with a face parser if there is one."""
    return kind == "auto" or needs_parser(kind)


def missing_parser(kind: str, advice: str = "download its weights") -> str:
    """The message where a kind of mask lacks its face parser. advice: how to get one."""
    *others, last = [other for other in MASK_KINDS if not needs_parser(other)]
    return f"mask: {kind} needs a face parser, but there is none; {advice}, or choose {', '.join(others)} or {last}"


def mask_kind(kind: str, parser: Parser | None) -> str:
    """The kind of mask in effect: auto is parsing with a parser, soft without.

    Raises InputError for a kind that needs a parser if there is none.
    """
    if parser is None and needs_parser(kind):
        raise InputError(missing_parser(kind))
    return ("parsing" if parser is not None else "soft") if kind == "auto" else kind


def check_mask(options: BlendOptions, parser: Parser | None) -> None:
    """Raise InputError if the mask of the options cannot be made: it lacks a parser, or has no region."""
    if needs_parser(mask_kind(options.mask, parser)) and not parse_regions(options.regions):
        raise InputError(f"regions: none chosen, so no face would change; choose from {', '.join(FACE_REGIONS)}")


def make_masks(faces: Sequence[Face], options: BlendOptions, parser: Parser | None) -> list[Face]:
    """The same restored faces, each with a mask of the kind, regions, erosion and feather of the options.

    Raises InputError for a mask that lacks its parser or a region.
    """
    check_mask(options, parser)
    if not faces:
        return []
    drawn = _draw(mask_kind(options.mask, parser), faces, options, parser)
    return [
        replace(
            face, mask=shape_mask(mask, erode=options.erode, feather=options.feather, crop_factor=_crop(face).factor)
        )
        for face, mask in zip(faces, drawn, strict=True)
    ]


def crop_mask(size_px: int = 512) -> Tensor:
    """The whole crop except its rim: float32 (1, size_px, size_px) in [0, 1], exactly 0 at the border."""
    return border_window(size_px)[None]


def shape_mask(mask: Tensor, *, erode: float, feather: float, crop_factor: float = 1.0) -> Tensor:
    """Shrink (or, with a negative number, grow) a mask and soften its edge.

    mask: (..., 1, S, S) in [0, 1], crop coordinates. erode and feather are parts of the face's size, FACE_FRACTION * S:
    at 512 pixels 0.02 moves the edge by 6 px; a feather of 0.06 turns a hard edge into one 18 px wide, half on each
    side. Returns the same shape in float32 in [0, 1], always exactly 0 at the crop's border.
    In a view that is wider by crop_factor, the face is smaller by it.
    """
    size_px = mask.shape[-1]
    if mask.ndim < 3 or mask.shape[-2] != size_px or mask.shape[-3] != 1:
        raise InputError(f"mask: needs the shape (..., 1, S, S), got {tuple(mask.shape)}")
    face_px = FACE_FRACTION * size_px / crop_factor
    reach_px = round(feather * face_px / 2)
    shaped = mask.float().reshape(-1, 1, size_px, size_px).clamp(0, 1)
    # Kept clear of the border by the blur's reach, so that the blur ends at the rim.
    shaped = _move_edge(shaped, round(erode * face_px)) * border_window(size_px, reach_px).to(shaped.device)
    return _blur(shaped, reach_px).clamp(0, 1).reshape(mask.shape)


def _draw(kind: str, faces: Sequence[Face], options: BlendOptions, parser: Parser | None) -> list[Tensor]:
    if parser is not None and needs_parser(kind):
        return _PARSED[kind](faces, options, parser)
    return _DRAWN[kind](faces, options)


def _draw_crops(faces: Sequence[Face], options: BlendOptions) -> list[Tensor]:
    return [crop_mask(_crop(face).image.shape[-1]) for face in faces]


def _draw_soft(faces: Sequence[Face], options: BlendOptions) -> list[Tensor]:
    return [soft_face_mask(crop_landmarks(_crop(face)), _crop(face).image.shape[-1]) for face in faces]


def _draw_parsed(faces: Sequence[Face], options: BlendOptions, parser: Parser) -> list[Tensor]:
    regions = parse_regions(options.regions)
    before = parser.label(torch.stack([_crop(face).image.float().cpu() for face in faces]))
    after = parser.label(torch.stack([_restored(face).float().cpu() for face in faces]))
    readable = readable_inputs(before, after)
    for face, seen in zip(faces, readable, strict=True):
        if not seen:
            _log.warning("face %s: too damaged to be parsed; its mask comes from the restored face only", face.number)
    agreed = parsing_mask(torch.where(torch.tensor(readable).view(-1, 1, 1), before, after), after, regions)
    # The crop may also show a neighbour: parts far from this face's landmarks belong to someone else.
    grow = _REACH_WITH_HAIR if {"hair", "neck"} & set(regions) else _REACH
    zones = [soft_face_mask(crop_landmarks(_crop(face)), _crop(face).image.shape[-1], grow=grow) for face in faces]
    return [mask * zone for mask, zone in zip(agreed, zones, strict=True)]


_DRAWN: dict[str, Callable[[Sequence[Face], BlendOptions], list[Tensor]]] = {"soft": _draw_soft, "crop": _draw_crops}
"""The kinds drawn from the landmarks."""
_PARSED: dict[str, Callable[[Sequence[Face], BlendOptions, Parser], list[Tensor]]] = {"parsing": _draw_parsed}
"""The kinds that need a face parser."""


def _crop(face: Face) -> FaceCrop:
    if face.crop is None:
        raise InputError(f"face {face.number}: has no crop; cut it out with crop_faces first")
    return face.crop


def _restored(face: Face) -> Tensor:
    if face.restored is None:
        raise InputError(f"face {face.number}: has not been restored")
    return face.restored


def _move_edge(mask: Tensor, inwards_px: int) -> Tensor:
    """Greyscale erosion (dilation if negative) by an octagon; the outside of the crop is ignored."""
    if inwards_px < 0:
        return -_move_edge(-mask, -inwards_px)
    for step in range(inwards_px):
        # Square steps among the diamond ones make an octagon, close enough to a disc.
        across = _smallest_of_three(mask, -1)
        square = step % 5 in _SQUARE_STEPS
        mask = _smallest_of_three(across, -2) if square else torch.minimum(across, _smallest_of_three(mask, -2))
    return mask


def _smallest_of_three(mask: Tensor, dim: int) -> Tensor:
    """The minimum of each value and its two neighbours along dim (-1 or -2)."""
    length = mask.shape[dim]
    wide = F.pad(mask, (1, 1, 0, 0) if dim == -1 else (0, 0, 1, 1), value=math.inf)
    return torch.minimum(mask, torch.minimum(wide.narrow(dim, 0, length), wide.narrow(dim, 2, length)))


def _blur(mask: Tensor, reach_px: int) -> Tensor:
    """Gaussian blur of the (B, 1, S, S) mask with a kernel that ends reach_px away from its middle."""
    if reach_px < 1:
        return mask
    axis = torch.arange(mask.shape[-1], dtype=torch.float32, device=mask.device)
    distance = (axis[:, None] - axis[None, :]).abs()
    kernel = torch.exp(-0.5 * (distance * (_REACH_SIGMAS / reach_px)) ** 2) * (distance <= reach_px)
    reach = torch.arange(-reach_px, reach_px + 1, dtype=torch.float32)
    # As a matrix product its cost does not grow with the reach.
    kernel = kernel / float(torch.exp(-0.5 * (reach * (_REACH_SIGMAS / reach_px)) ** 2).sum())
    return kernel @ mask @ kernel.T
