"""Number the faces of an image and choose among them: by number, size or place, inside boxes or a mask."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from ...errors import InputError
from ...options import SelectOptions
from ...selection import Part, Span, parse_selection
from ...types import Box, Face, ImageFaces
from .areas import check_area, check_boxes, reason_outside

_log = logging.getLogger(__name__)

BoxesByImage = Sequence[Sequence[Box]]
AreasByImage = Sequence[Tensor]


def select_faces(
    images: Sequence[ImageFaces],
    options: SelectOptions | None = None,
    *,
    boxes: BoxesByImage | None = None,
    areas: AreasByImage | None = None,
) -> list[ImageFaces]:
    """Choose among the faces of each image; those not chosen are skipped, with the reason.

    Boxes and areas apply first. The remaining faces are sorted and numbered from 0, unless they already have numbers in
    the same order: these stay, so that a face keeps its number from one selection to the next.

    Args:
        images: with faces found. Faces skipped before stay skipped.
        options: `select` has words ("all", "none", "largest", "center"), numbers, negative ones that count from the
        last remaining face, and ranges ("1:3", ":2", "-2:") with exclusive end; separate several by commas. A number
        that no face has selects nothing and is logged as a warning. `max_faces` keeps that many, from the first.
        boxes: the boxes in which faces must be, for each image, one list for all, or None. See `reason_outside`.
        areas: a mask (H, W) or (1, H, W) in which faces must be, for each image, one for all, or None.

    Raises:
        InputError: boxes or areas cannot be used, or do not fit the number of images.
    """
    settings = options or SelectOptions()
    parts = parse_selection(settings.select)
    boxes_of = None if boxes is None else [check_boxes(own) for own in for_each(boxes, len(images), "boxes")]
    areas_of = None if areas is None else [check_area(mask) for mask in for_each(areas, len(images), "areas")]
    return [
        _select(
            entry,
            settings,
            parts,
            None if boxes_of is None else boxes_of[index],
            None if areas_of is None else areas_of[index],
        )
        for index, entry in enumerate(images)
    ]


def for_each(values: Sequence[Any], num_images: int, what: str) -> Sequence[Any]:
    """A value for each image, from one for all or one for each. Raises InputError for another number."""
    if len(values) not in (1, num_images):
        raise InputError(f"{what}: {len(values)} were given for {num_images} images; give one, or one for each")
    return values if len(values) == num_images else [values[0]] * num_images


def _select(
    entry: ImageFaces, settings: SelectOptions, parts: Sequence[Part], boxes: list[Box] | None, area: Tensor | None
) -> ImageFaces:
    kept = [_limited(face, entry.size, boxes, area) for face in entry.faces]
    numbered = kept if entry.sort == settings.sort else _numbered(kept, entry.size, settings.sort)
    entry = replace(entry, faces=tuple(numbered), sort=settings.sort)
    chosen = {number for part in parts for number in _chosen(part, entry.used, entry.size)}
    taken = sorted(chosen)[: settings.max_faces or None]
    return replace(entry, faces=tuple(_judged(face, chosen, taken, settings) for face in numbered))


def _limited(face: Face, size: tuple[int, int], boxes: list[Box] | None, area: Tensor | None) -> Face:
    """A face outside is not a candidate, so it has no number."""
    if face.skipped is not None and face.number is None:
        return face
    outside = reason_outside(face.detection.box, size, boxes, area)
    return face if outside is None else replace(face, skipped=face.skipped or outside, number=None)


def _numbered(faces: Sequence[Face], size: tuple[int, int], sort: str) -> list[Face]:
    """Renumber the remaining faces and those skipped by a selection in another order."""
    key = _sort_key(sort, size)
    places = [place for place, face in enumerate(faces) if face.skipped is None or face.number is not None]
    ranks = {place: rank for rank, place in enumerate(sorted(places, key=lambda place: key(faces[place])))}
    return [replace(face, number=ranks.get(place)) for place, face in enumerate(faces)]


def _sort_key(sort: str, size: tuple[int, int]) -> Callable[[Face], tuple[float, float]]:
    """The sort key; ties go from left to right."""
    orders: dict[str, Callable[[Face], float]] = {
        "size": lambda face: -face.detection.box.area,
        "left-right": lambda face: face.detection.box.center.x,
        "top-bottom": lambda face: face.detection.box.center.y,
        "center": lambda face: _distance_to_center(face, size),
        "score": lambda face: -face.detection.score,
    }
    return lambda face: (orders[sort](face), face.detection.box.center.x)


def _distance_to_center(face: Face, size: tuple[int, int]) -> float:
    center = face.detection.box.center
    return math.hypot(center.x - (size[1] - 1) / 2, center.y - (size[0] - 1) / 2)


def _judged(face: Face, chosen: set[int], taken: Sequence[int], settings: SelectOptions) -> Face:
    if face.skipped is not None or face.number in taken:
        return face
    if face.number in chosen:
        return replace(face, skipped=f"more than the {settings.max_faces} faces allowed")
    return replace(face, skipped=f"not selected (selected: {settings.select})")


def _chosen(part: Part, faces: Sequence[Face], size: tuple[int, int]) -> list[int]:
    """The numbers that one part of the expression picks among the remaining faces, which are in order."""
    numbers = [_number(face) for face in faces]
    if isinstance(part, Span):
        start, end = _bound(part.start, numbers, 0), _bound(part.end, numbers, 1 + max(numbers, default=0))
        return [number for number in numbers if start <= number < end]
    if isinstance(part, int):
        return _by_number(part, numbers)
    if part == "none" or not faces:
        return []
    if part == "largest":
        return [_number(max(faces, key=lambda face: face.detection.box.area))]
    if part == "center":
        return [_number(min(faces, key=lambda face: _distance_to_center(face, size)))]
    return numbers


def _number(face: Face) -> int:
    assert face.number is not None  # every remaining face has one
    return face.number


def _bound(bound: int | None, numbers: Sequence[int], default: int) -> int:
    """A bound of a range as a face's number."""
    if bound is None:
        return default
    if bound >= 0:
        return bound
    return numbers[bound] if -bound <= len(numbers) else 0


def _by_number(number: int, numbers: Sequence[int]) -> list[int]:
    if number < 0 and -number <= len(numbers):
        return [numbers[number]]
    if number not in numbers:
        _log.warning("select: no face number %d, only %d to choose from", number, len(numbers))
        return []
    return [number]
