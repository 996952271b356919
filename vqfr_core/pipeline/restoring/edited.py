"""Bring crops edited by other programs back into their image."""

from dataclasses import replace

from torch import Tensor
from torch.nn import functional as F

from ...errors import InputError
from ...types import Face
from ..affine import compose_affine, resize_affine
from ..values import check_values

_MAX_SIDE_PX = 4096


def edit_face(face: Face, image: Tensor) -> Face:
    """The face with an edited picture of its crop as its restored image, ready for masks and blending.

    image: RGB in [0, 1], (3, S, S), of the same view as the crop. It may have more pixels than the crop, e.g. from an
    upscaler, and keeps them: the crop is enlarged to match, and the detail shows if the face is that large in the
    result. One with fewer pixels is enlarged to the crop. Raises InputError if it is not square or larger than 4096 px,
    has NaN, or the face has no crop.
    """
    if face.crop is None:
        raise InputError("edited crop: the face it belongs to has no crop")
    crop, side, old_side = face.crop, image.shape[-1], face.crop.image.shape[-1]
    if image.ndim != 3 or image.shape[0] != 3 or image.shape[1] != side:
        raise InputError(f"edited crop: needs a square RGB picture (3, S, S), got {tuple(image.shape)}")
    if side > _MAX_SIDE_PX:
        raise InputError(f"edited crop: {side} px is too large, the maximum is {_MAX_SIDE_PX} px; reduce it first")
    check_values("edited crop", image)
    image = image.float().clamp(0, 1)
    if side < old_side:
        return replace(face, restored=_resized(image, old_side))
    if side == old_side:
        return replace(face, restored=image)
    image_to_crop = compose_affine(crop.image_to_crop, resize_affine((old_side, old_side), (side, side)))
    enlarged = replace(crop, image=_resized(crop.image, side), image_to_crop=image_to_crop)
    return replace(face, crop=enlarged, restored=image)


def _resized(image: Tensor, side_px: int) -> Tensor:
    return F.interpolate(image[None], (side_px, side_px), mode="bicubic", antialias=True)[0].clamp(0, 1)
