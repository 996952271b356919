"""Convert the host's images, masks, boxes and segments to the core's, and back.

ComfyUI: IMAGE is float32 (B, H, W, C) in [0, 1], usually RGB, sometimes with alpha or grey; MASK is float32 (B, H, W).
BOUNDING_BOX is {"x", "y", "width", "height"}, BBOX has no fixed form among packs; SEGS is the Impact Pack's.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..vqfr_core.errors import InputError
from ..vqfr_core.pipeline.values import check_values
from ..vqfr_core.types import Box, FaceDetection

_PLACEHOLDER_SIZE = (64, 64)
"""The mask Load Image gives for a picture without transparency: 64 x 64 zeros."""


class Seg(NamedTuple):
    """One segment of the Impact Pack's SEGS, which is ((height, width), [segment, ...])."""

    cropped_image: Any
    cropped_mask: np.ndarray
    """float32 (h, w) in [0, 1], the size of crop_region."""
    confidence: float
    crop_region: tuple[int, int, int, int]
    """x0, y0, x1, y1 in whole pixels, ends exclusive."""
    bbox: Box
    label: str
    control_net_wrapper: Any = None


def check_images(images: Any) -> Tensor:
    """The batch unchanged. Raises InputError if it is not an IMAGE that can be searched for faces."""
    if not isinstance(images, Tensor) or images.ndim != 4 or 0 in images.shape or images.shape[3] not in (1, 3, 4):
        got = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise InputError(f"image: needs a batch (B, H, W, 1, 3 or 4), got {got}")
    for number, image in enumerate(images):
        check_values(f"image {number}", image)
    return images


def core_image(image: Tensor) -> Tensor:
    """(H, W, C) as RGB (3, H, W); a view unless it is grey. Alpha is dropped."""
    channels = image.permute(2, 0, 1)
    return channels.expand(3, -1, -1) if channels.shape[0] == 1 else channels[:3]


def to_picture(image: Tensor) -> Any:
    """(3, H, W) as a Pillow image."""
    from ..vqfr_core.pictures import to_pil

    return to_pil(image.cpu().clamp(0, 1))


def masks_for(mask: Tensor | None, num_images: int, size: tuple[int, int]) -> list[Tensor] | None:
    """A mask (H, W) for each image, of the mask's own size; None if there is no mask.

    The zeros that mean "no mask" count as none. One mask serves all images.
    Raises InputError if the number of masks does not fit.
    """
    if mask is None:
        return None
    mask = mask[None] if mask.ndim == 2 else mask
    if mask.ndim != 3 or 0 in mask.shape:
        raise InputError(f"mask: needs the shape (B, H, W), got {tuple(mask.shape)}")
    if tuple(mask.shape[1:]) == _PLACEHOLDER_SIZE != size and not mask.any():
        return None
    if len(mask) not in (1, num_images):
        raise InputError(f"{len(mask)} masks were given for {num_images} images; give one, or one for each")
    return [mask[i if len(mask) > 1 else 0] for i in range(num_images)]


def boxes_for(boxes: Any, num_images: int) -> list[list[Box]] | None:
    """The boxes of each image, None if nothing is connected.

    Packs disagree on BBOX, so these are accepted: a box (x0, y0, x1, y1) or {"x", "y", "width", "height"}; a list of
    them, used for every image; or a list with one such list for each image. Arrays and tensors count as lists. Raises
    InputError for anything else.
    """
    if boxes is None:
        return None
    listed = _plain(boxes)
    if _is_box(listed):
        listed = [listed]
    if not isinstance(listed, list):
        raise InputError(f"boxes: needs lists of (x0, y0, x1, y1), got {type(boxes).__name__}")
    if all(_is_box(entry) for entry in listed):
        return [[_box(entry) for entry in listed]] * num_images
    if not all(isinstance(entry, list) and all(_is_box(box) for box in entry) for entry in listed):
        raise InputError(f"boxes: cannot understand {str(listed)[:200]}; needs lists of (x0, y0, x1, y1)")
    if len(listed) not in (1, num_images):
        raise InputError(f"boxes: lists for {len(listed)} images were given, but there are {num_images}")
    lists = [[_box(entry) for entry in entries] for entries in listed]
    return lists if len(lists) == num_images else lists * num_images


def bounding_box(face: FaceDetection) -> dict[str, float]:
    """Where a face is, as an entry of BOUNDING_BOX."""
    box = face.box
    return {"x": box.x0, "y": box.y0, "width": box.width, "height": box.height, "score": face.score}


def boxes_of_segs(segs: Any, size: tuple[int, int]) -> list[Box]:
    """The boxes of SEGS in the pixels of an image of (height, width). Raises InputError if it is not SEGS."""
    try:
        (height, width), segments = segs[0][:2], segs[1]
        boxes = [Box(*(float(value) for value in segment.bbox)) for segment in segments]
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(f"SEGS: needs ((height, width), segments) of the Impact Pack, got {segs!r:.200}") from error
    x, y = size[1] / width, size[0] / height
    return [Box(box.x0 * x, box.y0 * y, box.x1 * x, box.y1 * y) for box in boxes]


def segs_of_masks(
    masks: Sequence[Tensor], size: tuple[int, int], boxes: Sequence[Box], scores: Sequence[float], crop_factor: float
) -> tuple[tuple[int, int], list[Seg]]:
    """SEGS with a segment for each face; masks (H, W) of the whole image, boxes in the pixels of its (height, width).

    crop_factor: size of the region a detailer works on, as a multiple of the box.
    """
    segments = []
    for mask, box, score in zip(masks, boxes, scores, strict=True):
        region = _region(box, size, crop_factor)
        part = mask[region[1] : region[3], region[0] : region[2]].cpu().numpy().astype(np.float32)
        segments.append(Seg(None, part, float(score), region, box, "face"))
    return size, segments


def _region(box: Box, size: tuple[int, int], factor: float) -> tuple[int, int, int, int]:
    half_width, half_height = box.width * factor / 2, box.height * factor / 2
    x0, y0 = max(0, int(box.center.x - half_width)), max(0, int(box.center.y - half_height))
    x1, y1 = min(size[1], round(box.center.x + half_width) + 1), min(size[0], round(box.center.y + half_height) + 1)
    return x0, y0, max(x0 + 1, x1), max(y0 + 1, y1)


def _plain(value: Any) -> Any:
    """Tensors, arrays and tuples as lists, all the way down."""
    if isinstance(value, torch.Tensor | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


def _is_box(value: Any) -> bool:
    if isinstance(value, dict):
        return {"x", "y", "width", "height"} <= set(value)
    return isinstance(value, list) and len(value) in (4, 5) and all(isinstance(entry, int | float) for entry in value)


def _box(value: Any) -> Box:
    if isinstance(value, dict):
        x, y = float(value["x"]), float(value["y"])
        return Box(x, y, x + float(value["width"]), y + float(value["height"]))
    return Box(*(float(entry) for entry in value[:4]))  # a fifth number is a score
