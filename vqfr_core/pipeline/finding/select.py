"""Choose among the faces of an image: by number, size or place, inside boxes or a mask; or take faces given by hand."""

import logging
import math
import re
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...networks.retinaface import overlaps
from ...options import SORT_ORDERS
from ...types import Box, Detections, FaceDetection, Point, SkippedFace
from ..align import FFHQ_TEMPLATE

_log = logging.getLogger(__name__)

_EXAMPLES = "all, none, largest, center, 0 (the first), -1 (the last), 0,2 or 1:3 (the second and the third)"
_NUMBER = re.compile(r"-?\d+")
_RANGE = re.compile(r"(-?\d+)?\s*:\s*(-?\d+)?")
_MIN_BOX_OVERLAP = 0.3
_MIN_MASK_COVER = 0.5
_TEMPLATE_BOX = Box(121.5, 103.0, 388.5, 461.5)
"""The box a detector draws around a face aligned to 512 px: mean over synthetic portraits."""

_Chooser = Callable[[Sequence[FaceDetection], tuple[int, int]], set[int]]


def select_faces(
    faces: Sequence[FaceDetection],
    image_size: tuple[int, int],
    *,
    select: str = "all",
    sort: str = "size",
    max_faces: int = 0,
    boxes: Sequence[Box] | None = None,
    mask: Tensor | None = None,
) -> Detections:
    """Choose among faces. First boxes and mask decide, then the remaining faces are sorted, numbered and selected.

    Args:
        faces: the faces of one image.
        image_size: its (height, width).
        select: "all", "none", "largest", "center"; numbers after sorting, starting with 0, negative ones counting from
            the end; ranges "1:3", ":2", "-2:" whose end is not included; or several of these with commas. A number
            that no face has selects nothing and is logged as a warning.
        sort: "size" (largest first), "left-right", "top-bottom", "center" (nearest to it first) or "score".
        max_faces: keep only the first so many of the selected faces; 0 is no limit.
        boxes: keep faces whose centre lies in one of them, or that overlap one by 0.3 (intersection over union).
            None: everywhere; an empty list: nowhere.
        mask: (H, W) or (1, H, W), in [0, 1], stretched to the image: keep faces whose box it covers by half.

    Returns:
        The chosen faces in sorted order, and the others with the reason.

    Raises:
        InputError: an argument cannot be understood.
    """
    choosers = [_chooser(part.strip().lower(), select) for part in select.split(",")]
    in_area, skipped = _inside(faces, image_size, boxes, mask)
    ordered = sort_faces(in_area, image_size, sort)
    chosen = set().union(*(choose(ordered, image_size) for choose in choosers))
    used: list[FaceDetection] = []
    for number, face in enumerate(ordered):
        if number not in chosen:
            skipped.append(SkippedFace(face, f"not selected (number {number}, selected: {select})"))
        elif 0 < max_faces <= len(used):
            skipped.append(SkippedFace(face, f"more than the {max_faces} faces allowed (number {number})"))
        else:
            used.append(face)
    return Detections(used, skipped)


def sort_faces(faces: Sequence[FaceDetection], image_size: tuple[int, int], sort: str) -> list[FaceDetection]:
    """Faces in the order in which they are numbered; equal ones from left to right. See `select_faces`."""
    orders: dict[str, Callable[[FaceDetection], float]] = {
        "size": lambda face: -face.box.area,
        "left-right": lambda face: face.box.center.x,
        "top-bottom": lambda face: face.box.center.y,
        "center": lambda face: _distance_to_center(face, image_size),
        "score": lambda face: -face.score,
    }
    if sort not in orders:
        raise InputError(f"sort: {sort!r} is not known; choose one of {', '.join(SORT_ORDERS)}")
    return sorted(faces, key=lambda face: (orders[sort](face), face.box.center.x))


def faces_from_boxes(boxes: Sequence[Box]) -> list[FaceDetection]:
    """Faces given by hand as boxes (x0, y0, x1, y1), in place of a detector's.

    Each gets the landmarks of an upright average face of the box's area and centre, and score 1. A turned face, or a
    box that is not drawn from the forehead to the chin, is aligned less well than with a detector.

    Raises:
        InputError: a box has no area.
    """
    return [FaceDetection(box, _average_landmarks(box), 1.0) for box in _checked_boxes(boxes)]


def _chooser(part: str, expression: str) -> _Chooser:
    """What one part of the expression picks, as a function from sorted faces to their numbers."""
    if part in _WORDS:
        return _WORDS[part]
    if _NUMBER.fullmatch(part):
        return lambda faces, _: _numbered(int(part), len(faces))
    span = _RANGE.fullmatch(part)
    if span:
        first, end = (int(number) if number else None for number in span.groups())
        return lambda faces, _: set(range(len(faces))[first:end])
    raise InputError(f"select: cannot understand {part!r} in {expression!r}; examples: {_EXAMPLES}")


def _all(faces: Sequence[FaceDetection], image_size: tuple[int, int]) -> set[int]:
    return set(range(len(faces)))


def _none(faces: Sequence[FaceDetection], image_size: tuple[int, int]) -> set[int]:
    return set()


def _largest(faces: Sequence[FaceDetection], image_size: tuple[int, int]) -> set[int]:
    return {max(range(len(faces)), key=lambda i: faces[i].box.area)} if faces else set()


def _most_central(faces: Sequence[FaceDetection], image_size: tuple[int, int]) -> set[int]:
    return {min(range(len(faces)), key=lambda i: _distance_to_center(faces[i], image_size))} if faces else set()


_WORDS: dict[str, _Chooser] = {
    "all": _all,
    "none": _none,
    "largest": _largest,
    "center": _most_central,
    "centre": _most_central,
}


def _numbered(number: int, num_faces: int) -> set[int]:
    if not -num_faces <= number < num_faces:
        _log.warning("select: there is no face number %d, only %d to choose from", number, num_faces)
        return set()
    return {number % num_faces}


def _distance_to_center(face: FaceDetection, image_size: tuple[int, int]) -> float:
    center = face.box.center
    return math.hypot(center.x - (image_size[1] - 1) / 2, center.y - (image_size[0] - 1) / 2)


def _inside(
    faces: Sequence[FaceDetection], image_size: tuple[int, int], boxes: Sequence[Box] | None, mask: Tensor | None
) -> tuple[list[FaceDetection], list[SkippedFace]]:
    areas = None if boxes is None else _checked_boxes(boxes)
    cover_map = None if mask is None else _checked_mask(mask)
    kept: list[FaceDetection] = []
    skipped: list[SkippedFace] = []
    for face in faces:
        cover = 1.0 if cover_map is None else _cover(face.box, cover_map, image_size)
        if areas is not None and not _in_boxes(face.box, areas):
            skipped.append(SkippedFace(face, "outside the given boxes"))
        elif cover < _MIN_MASK_COVER:
            skipped.append(SkippedFace(face, f"outside the mask (it covers {cover:.0%} of the face)"))
        else:
            kept.append(face)
    return kept, skipped


def _in_boxes(box: Box, areas: Sequence[Box]) -> bool:
    x, y = box.center
    if any(area.x0 <= x <= area.x1 and area.y0 <= y <= area.y1 for area in areas):
        return True
    return bool(areas) and float(overlaps(np.array(box), np.array(areas)).max()) >= _MIN_BOX_OVERLAP


def _cover(box: Box, mask: Tensor, image_size: tuple[int, int]) -> float:
    """Mean of the mask (H, W) inside a box of the image, which may have another size than the mask."""
    rows = _mask_span(box.y0, box.y1, image_size[0], mask.shape[0])
    columns = _mask_span(box.x0, box.x1, image_size[1], mask.shape[1])
    return float(mask[rows, columns].float().mean())


def _mask_span(low: float, high: float, image_length: int, mask_length: int) -> slice:
    scale = mask_length / image_length
    first = min(max(round((low + 0.5) * scale), 0), mask_length - 1)
    return slice(first, min(max(round((high + 0.5) * scale), first + 1), mask_length))


def _checked_mask(mask: Tensor) -> Tensor:
    if mask.ndim == 3 and mask.shape[0] == 1:
        mask = mask[0]
    if mask.ndim != 2 or 0 in mask.shape or not (mask.is_floating_point() or mask.dtype == torch.bool):
        raise InputError(f"mask: needs (H, W) or (1, H, W) in [0, 1], got {mask.dtype} {tuple(mask.shape)}")
    return mask


def _checked_boxes(boxes: Sequence[Box]) -> list[Box]:
    checked = []
    for index, box in enumerate(boxes):
        corners = tuple(float(value) for value in box)
        if len(corners) != 4 or not all(map(math.isfinite, corners)) or Box(*corners).area <= 0:
            raise InputError(f"box {index}: needs x0, y0, x1, y1 with x0 < x1 and y0 < y1, got {corners}")
        checked.append(Box(*corners))
    return checked


def _average_landmarks(box: Box) -> tuple[Point, ...]:
    scale = math.sqrt(box.area / _TEMPLATE_BOX.area)
    center, middle = box.center, _TEMPLATE_BOX.center
    return tuple(Point(center.x + (p.x - middle.x) * scale, center.y + (p.y - middle.y) * scale) for p in FFHQ_TEMPLATE)
