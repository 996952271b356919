"""Crops that another program has worked on, on their way back into their image."""

from torch import Tensor
from torch.nn import functional as F

from ...errors import InputError
from ...types import FaceCrop, RestoredFace
from ..affine import compose_affine, resize_affine

_MAX_SIDE_PX = 4096


def edited_face(crop: FaceCrop, image: Tensor) -> RestoredFace:
    """An edited picture of a crop as a restored face, ready for masks and blending.

    image: RGB in [0, 1], (3, S, S), showing what the crop shows. It may have more pixels than the crop, e.g. after an
    upscaler, and keeps them: the crop is enlarged to it, and its detail shows where the face is that large in the
    result. One with fewer pixels is enlarged to the crop.
    Raises InputError when it is not square or larger than 4096 px.
    """
    side, old_side = image.shape[-1], crop.image.shape[-1]
    if image.ndim != 3 or image.shape[0] != 3 or image.shape[1] != side:
        raise InputError(f"edited crop: needs a square RGB picture (3, S, S), got {tuple(image.shape)}")
    if side > _MAX_SIDE_PX:
        raise InputError(f"edited crop: {side} px is too large, the most is {_MAX_SIDE_PX} px; reduce it first")
    image = image.float().clamp(0, 1)
    if side < old_side:
        return RestoredFace(crop, _resized(image, old_side))
    if side == old_side:
        return RestoredFace(crop, image)
    image_to_crop = compose_affine(crop.image_to_crop, resize_affine((old_side, old_side), (side, side)))
    return RestoredFace(FaceCrop(crop.detection, _resized(crop.image, side), image_to_crop), image)


def _resized(image: Tensor, side_px: int) -> Tensor:
    return F.interpolate(image[None], (side_px, side_px), mode="bicubic", antialias=True)[0].clamp(0, 1)
