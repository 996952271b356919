"""Paste restored faces into the image they came from.

Geometry: pixel centres are at integers. The output pixel X shows the input's x = (X + 0.5) / s - 0.5, where the scale
s is output size / input size on each axis, as in any resize of the background. A face is resampled once, from
the crop straight to the output's pixels. Only rectangles around the masks are computed; the rest of the result is
the background, bit for bit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ...errors import InputError
from ...types import Face
from ..affine import compose_affine, invert_affine, resize_affine, transform_points, translation_affine, warp_affine
from .detail import Detail, find_detail

_TILE_PX = 1024
"""Side of the tiles in which large or overlapping faces are processed; bounds the memory."""
_KERNEL_REACH_PX = 2
_NEARNESS_RADIUS = 0.15
"""Where faces overlap, a face has half its weight at this distance from its crop's middle, in parts of the crop."""
_NEARNESS_STEEPNESS = 4
"""Power of the squared distance by which the weight falls: beyond the radius a nearer face dominates."""


class _Rect(NamedTuple):
    """Whole pixels of the output: x0 <= x < x1, y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int

    def overlap(self, other: "_Rect") -> "_Rect":
        x0, y0 = max(self.x0, other.x0), max(self.y0, other.y0)
        return _Rect(x0, y0, max(x0, min(self.x1, other.x1)), max(y0, min(self.y1, other.y1)))

    @property
    def is_empty(self) -> bool:
        return self.x1 <= self.x0 or self.y1 <= self.y0


@dataclass(frozen=True, eq=False)
class _Patch:
    """A face on its way into the output."""

    image: Tensor
    """(3, S, S) float32 in [0, 1]."""
    mask: Tensor
    """(1, S, S) float32 in [0, 1]."""
    opacity: float
    output_to_crop: np.ndarray
    rect: _Rect
    """All output pixels the mask can reach."""
    detail: Detail | None
    """What is added to the face."""


def paste_faces(
    canvas: Tensor, faces: Sequence[Face], image_size: tuple[int, int], image: Tensor | None = None
) -> Tensor:
    """Paste restored faces onto the canvas where their masks say so, in place.

    Args:
        canvas: floating point (3, h, w), RGB in [0, 1]: the background, at the output's size.
        faces: with masks; on any device, of any dtype, in any order: where faces overlap, a pixel goes to the face with
        the nearest middle, with a soft transition, and no pixel gets more than its masks allow.
        image_size: (height, width) of the image whose pixels the faces' crops refer to.
        image: that image, (3, H, W), for the faces' finer detail; without it they get none.

    Returns:
        float32 (1, h, w) in [0, 1]: how much of each pixel comes from restored faces. Where it is 0 the canvas is
        unchanged, bit for bit.

    Raises:
        InputError: a shape does not fit, an image or mask is missing, or an opacity is out of range.
    """
    size = (canvas.shape[1], canvas.shape[2])
    patches = [_make_patch(face, index, image_size, size, image) for index, face in enumerate(faces)]
    coverage = torch.zeros((1, *size), dtype=torch.float32, device=canvas.device)
    visible = [patch for patch in patches if not patch.rect.is_empty]
    for rect, touching in _split_work(visible):
        _blend_rect(canvas, coverage, rect, touching)
    return coverage


def _make_patch(
    face: Face, index: int, image_size: tuple[int, int], size: tuple[int, int], source: Tensor | None
) -> _Patch:
    name = index if face.number is None else face.number
    if face.crop is None or face.restored is None or face.mask is None:
        raise InputError(f"face {name}: has no mask; blending comes after restore_faces and finish_faces")
    image, mask = face.restored.detach().float(), face.mask.detach().float().clamp(0, 1)
    side = image.shape[-1]
    if image.shape != (3, side, side) or mask.shape != (1, side, side):
        shapes = f"{tuple(image.shape)} and {tuple(mask.shape)}"
        raise InputError(f"face {name}: image and mask need (3, S, S) and (1, S, S), got {shapes}")
    if not 0.0 <= face.opacity <= 1.0:
        raise InputError(f"face {name}: opacity {face.opacity} is outside 0 to 1")
    output_to_crop = compose_affine(resize_affine(size, image_size), face.crop.image_to_crop)
    detail = find_detail(face, source, size)
    return _Patch(image, mask, face.opacity, output_to_crop, _reach(mask[0], output_to_crop, size), detail)


def _reach(mask: Tensor, output_to_crop: np.ndarray, size: tuple[int, int]) -> _Rect:
    """The output pixels where a resampled mask (S, S) can differ from 0."""
    columns, rows = (mask > 0).any(dim=0).nonzero().flatten(), (mask > 0).any(dim=1).nonzero().flatten()
    if len(columns) == 0:
        return _Rect(0, 0, 0, 0)
    left, right = int(columns[0]) - 1, int(columns[-1]) + 1
    top, bottom = int(rows[0]) - 1, int(rows[-1]) + 1
    corners = transform_points(
        [(left, top), (right, top), (left, bottom), (right, bottom)], invert_affine(output_to_crop)
    )
    low = np.floor(corners.min(axis=0)) - _KERNEL_REACH_PX
    high = np.ceil(corners.max(axis=0)) + _KERNEL_REACH_PX + 1
    frame = _Rect(0, 0, size[1], size[0])
    low, high = low.clip(-1, 1 << 30), high.clip(-1, 1 << 30)
    return _Rect(int(low[0]), int(low[1]), int(high[0]), int(high[1])).overlap(frame)


def _split_work(patches: Sequence[_Patch]) -> Iterator[tuple[_Rect, list[_Patch]]]:
    """Disjoint rectangles that together cover all patches, each with the patches that touch it."""
    for group in _connected(patches):
        x0, y0 = min(p.rect.x0 for p in group), min(p.rect.y0 for p in group)
        x1, y1 = max(p.rect.x1 for p in group), max(p.rect.y1 for p in group)
        for y in range(y0, y1, _TILE_PX):
            for x in range(x0, x1, _TILE_PX):
                tile = _Rect(x, y, min(x + _TILE_PX, x1), min(y + _TILE_PX, y1))
                touching = [p for p in group if not p.rect.overlap(tile).is_empty]
                if any(p.opacity > 0 for p in touching):
                    yield (touching[0].rect.overlap(tile) if len(touching) == 1 else tile), touching


def _connected(patches: Sequence[_Patch]) -> list[list[_Patch]]:
    """Groups of patches that overlap, directly or through others; sorted, so that the given order does not matter."""
    groups: list[list[_Patch]] = []
    for patch in sorted(patches, key=lambda p: tuple(p.output_to_crop.flatten())):
        touching = [g for g in groups if any(not patch.rect.overlap(other.rect).is_empty for other in g)]
        apart = [g for g in groups if all(patch.rect.overlap(other.rect).is_empty for other in g)]
        groups = [*apart, [patch, *(other for group in touching for other in group)]]
    return groups


def _blend_rect(canvas: Tensor, coverage: Tensor, rect: _Rect, patches: Sequence[_Patch]) -> None:
    """Write the patches into one rectangle of the canvas and of the coverage."""
    if len(patches) == 1:
        face, mask = _resample(patches[0], rect, canvas.device)
        cover = mask * patches[0].opacity
    else:
        face, cover = _mix(patches, rect, canvas.device)
    window = (slice(None), slice(rect.y0, rect.y1), slice(rect.x0, rect.x1))
    behind, covered = canvas[window], cover > 0
    blended = torch.lerp(behind.float(), face, cover).to(canvas.dtype)
    canvas[window] = torch.where(covered, blended, behind)
    coverage[window] = torch.where(covered, cover, coverage[window])


def _resample(patch: _Patch, rect: _Rect, device: torch.device) -> tuple[Tensor, Tensor]:
    """Face (3, h, w) and mask (1, h, w) as the output's rectangle sees them, float32 in [0, 1] on the device."""
    matrix = compose_affine(translation_affine(rect.x0, rect.y0), patch.output_to_crop)
    size = (rect.y1 - rect.y0, rect.x1 - rect.x0)
    image, mask = patch.image.to(device), patch.mask.to(device)
    face = warp_affine(image, matrix, size, padding="border", mode="bicubic").clamp_(0, 1)
    if patch.detail is not None:
        face = (face + patch.detail.draw(rect.x0, rect.y0, size, device)).clamp_(0, 1)
    return face, warp_affine(mask, matrix, size, padding="zeros", mode="bilinear").clamp_(0, 1)


def _mix(patches: Sequence[_Patch], rect: _Rect, device: torch.device) -> tuple[Tensor, Tensor]:
    """The combined image of overlapping faces, (3, h, w), and its strength, (1, h, w).

    Both are means weighted by mask and nearness. The strength is the largest mask times the mean opacity, so that
    adjoining masks leave no gap, and a face of low opacity stays faint inside a neighbour's crop.
    """
    size = (rect.y1 - rect.y0, rect.x1 - rect.x0)
    faces = torch.zeros((3, *size), device=device)
    total, shown, largest = (torch.zeros((1, *size), device=device) for _ in range(3))
    for patch in patches:
        part = patch.rect.overlap(rect)
        face, mask = _resample(patch, part, device)
        weight = mask * _nearness(patch, part, device)
        inside = (slice(None), slice(part.y0 - rect.y0, part.y1 - rect.y0), slice(part.x0 - rect.x0, part.x1 - rect.x0))
        faces[inside] += weight * patch.opacity * face
        shown[inside] += weight * patch.opacity
        total[inside] += weight
        largest[inside] = torch.maximum(largest[inside], mask)
    tiny = torch.finfo(torch.float32).tiny
    return faces / shown.clamp_min(tiny), largest * (shown / total.clamp_min(tiny))


def _nearness(patch: _Patch, rect: _Rect, device: torch.device) -> Tensor:
    """(1, h, w), above 0, at most 1: falls steeply with the distance from the crop's middle.

    Crops of faces side by side show parts of each other, badly restored, so the nearer crop wins.
    """
    side = patch.image.shape[-1]
    matrix = compose_affine(translation_affine(rect.x0, rect.y0), patch.output_to_crop)
    matrix[:, 2] -= (side - 1) / 2
    (ax, bx, cx), (ay, by, cy) = (matrix / (_NEARNESS_RADIUS * side)).tolist()
    x = torch.arange(rect.x1 - rect.x0, dtype=torch.float32, device=device)[None, :]
    y = torch.arange(rect.y1 - rect.y0, dtype=torch.float32, device=device)[:, None]
    squared = (ax * x + bx * y + cx) ** 2 + (ay * x + by * y + cy) ** 2
    answer: Tensor = 1.0 / (1.0 + squared**_NEARNESS_STEEPNESS)[None]
    return answer
