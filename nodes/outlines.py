"""Faces drawn as masks of their images."""

import torch
from torch import Tensor

from ..vqfr_core.pipeline.affine import warp_affine
from ..vqfr_core.pipeline.blending.face_shape import crop_landmarks, soft_face_mask
from ..vqfr_core.pipeline.blending.masks import crop_mask
from ..vqfr_core.types import Box, FaceCrop
from . import host
from .faces import Faces

OUTLINES = ("soft", "crop", "box")


def draw_outlines(faces: Faces, shape: str) -> Tensor:
    """(B, H, W) in [0, 1]: all faces of each image, in one of the shapes of OUTLINES."""
    masks = torch.zeros(len(faces.images), *faces.size)
    for mask, entry in zip(masks, faces.by_image, strict=True):
        host.stop_if_interrupted()
        for face in entry.used:
            if face.crop is not None:
                torch.maximum(mask, outline(face.crop, faces.size, shape), out=mask)
    return masks.to(host.result_device())


def face_masks(faces: Faces) -> list[Tensor]:
    """(S, S) in [0, 1] for each crop: where the face is in it."""
    return [soft_face_mask(crop_landmarks(crop), crop.image.shape[-1])[0] for crop in faces.crops]


def outline(crop: FaceCrop, size: tuple[int, int], shape: str) -> Tensor:
    """(H, W) in [0, 1] for an image of (height, width): one face."""
    if shape == "box":
        mask = torch.zeros(size)
        x0, y0, x1, y1 = whole_pixels(crop.detection.box, size)
        mask[y0:y1, x0:x1] = 1.0
        return mask
    side = crop.image.shape[-1]
    drawn = soft_face_mask(crop_landmarks(crop), side) if shape == "soft" else crop_mask(side)
    return warp_affine(drawn, crop.image_to_crop, size)[0].clamp(0, 1)


def whole_pixels(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """First and last pixel of a box inside an image of (height, width); the last ones are not included."""
    x0, y0 = max(0, round(box.x0)), max(0, round(box.y0))
    return x0, y0, max(x0, min(size[1], round(box.x1) + 1)), max(y0, min(size[0], round(box.y1) + 1))
