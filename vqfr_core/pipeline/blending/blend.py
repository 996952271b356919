"""Put finished faces back into their images, or into larger or smaller copies of them."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ...errors import InputError
from ...types import Face, ImageFaces
from .background import Background, output_size, prepare_background, resize_lanczos
from .paste import paste_faces


class Blended(NamedTuple):
    """The finished picture."""

    image: Tensor
    """(3, H * scale, W * scale), device and dtype of the image it was made of."""
    mask: Tensor
    """float32 (1, H * scale, W * scale) in [0, 1]: how much of each pixel comes from restored faces."""


def blend_faces(
    images: Sequence[ImageFaces],
    *,
    onto: Sequence[Tensor] | None = None,
    scale: float = 1.0,
    background: Background | None = None,
    areas: Sequence[Tensor] | None = None,
    out: Sequence[Tensor] | None = None,
) -> list[Blended]:
    """Paste finished faces into their images where the faces' masks say so.

    Args:
        images: with faces from `finish_faces`.
        onto: what the faces go onto instead, one for each image: floating point (3, H, W), RGB in [0, 1], of any size.
        Neither is modified (unless also given as out).
        scale: output size / size of what the faces go onto, 1 to 4; sizes are rounded to whole pixels.
        background: the picture at the output's size, or a function (image, (height, width)) that makes it; without one
            the image itself, enlarged by Lanczos.
        areas: for each image a mask (H, W) in [0, 1] of any size; where it is 0 nothing changes, bit for bit.
        out: for each image where to write the result, with the dtype and device of what the faces go onto.

    Returns:
        Picture and mask of each image. Where the mask is 0 the picture equals the background bit for bit.

    Raises:
        InputError: a shape does not fit, a mask is missing, or an opacity or the scale is out of range.
    """
    return [
        _blend(
            entry,
            entry.image if onto is None else onto[index],
            scale,
            background,
            None if areas is None else areas[index],
            None if out is None else out[index],
        )
        for index, entry in enumerate(images)
    ]


def resize_mask(mask: Tensor, size: tuple[int, int]) -> Tensor:
    """A mask (H, W) in [0, 1] at another (height, width)."""
    if tuple(mask.shape) == size:
        return mask
    return F.interpolate(mask[None, None].float(), size, mode="bilinear", antialias=True)[0, 0].clamp(0, 1)


def _blend(
    entry: ImageFaces,
    image: Tensor | None,
    scale: float,
    background: Background | None,
    area: Tensor | None,
    out: Tensor | None,
) -> Blended:
    if image is None or image.ndim != 3 or image.shape[0] != 3 or not image.is_floating_point():
        got = "none" if image is None else f"{image.dtype} {tuple(image.shape)}"
        raise InputError(f"image: blending needs floating point (3, H, W), got {got}")
    if entry.is_aligned and entry.used:
        if background is not None or area is not None or out is not None:
            raise InputError("aligned: there is nothing around the face, so background, area and out cannot be given")
        return _blend_aligned(entry.used[0], scale)
    size = output_size((image.shape[1], image.shape[2]), scale)
    behind = prepare_background(image, size, background)
    canvas = _canvas(behind, out)
    before = canvas.clone() if area is not None else canvas
    mask = paste_faces(canvas, entry.used, entry.size, _kept_image(entry, canvas))
    return Blended(canvas, mask if area is None else _keep_outside(canvas, before, mask, resize_mask(area, size)))


def _kept_image(entry: ImageFaces, canvas: Tensor) -> Tensor | None:
    """The faces' own image, safe from what is written to the canvas."""
    if entry.image is None or entry.image.untyped_storage().data_ptr() != canvas.untyped_storage().data_ptr():
        return entry.image
    return entry.image.clone() if any(face.detail for face in entry.used) else None


def _blend_aligned(face: Face, scale: float) -> Blended:
    """The restored crop itself: there is nothing around it."""
    if face.crop is None or face.restored is None:
        raise InputError("the aligned face has not been restored")
    image = torch.lerp(face.crop.image, face.restored.to(face.crop.image), face.opacity)
    size = output_size((image.shape[1], image.shape[2]), scale)
    image = image if size == tuple(image.shape[1:]) else resize_lanczos(image, size)
    return Blended(image, torch.full_like(image[:1], face.opacity))


def _canvas(background: Tensor, out: Tensor | None) -> Tensor:
    """The background, safe to write to."""
    if out is None:
        return background.clone(memory_format=torch.contiguous_format)
    if out.shape != background.shape or out.dtype != background.dtype or out.device != background.device:
        got, needed = (f"{t.dtype} {tuple(t.shape)} on {t.device}" for t in (out, background))
        raise InputError(f"out: needs {needed}, got {got}")
    return out if out is background else out.copy_(background)


def _keep_outside(canvas: Tensor, before: Tensor, mask: Tensor, area: Tensor) -> Tensor:
    """Undo all changes outside the area (h, w), bit for bit; gives the new mask (1, h, w)."""
    area = area.to(canvas.device)[None]
    mixed = torch.lerp(before, canvas, area.to(canvas.dtype))
    canvas.copy_(torch.where(area >= 1, canvas, torch.where(area > 0, mixed, before)))
    return mask * area
