"""The last step over a batch of host images: blend faces into images of any size, with or without alpha."""

import logging
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from ..vqfr_core.errors import InputError
from ..vqfr_core.networks.base import Parser
from ..vqfr_core.options import BlendOptions
from ..vqfr_core.pipeline import blend_faces, finish_faces
from ..vqfr_core.pipeline.blending.background import output_size, prepare_background
from ..vqfr_core.pipeline.blending.masks import mask_kind
from ..vqfr_core.types import ImageFaces
from . import host
from .faces import MADE_ELSEWHERE, Faces
from .images import core_image
from .models import Held
from .steps import Areas

NOT_RESTORED = "the faces were not restored; put Restore Faces, or Faces from Crops, between detection and Blend Faces"

_log = logging.getLogger(__name__)


def blend(
    images: Tensor,
    faces: Faces,
    options: BlendOptions,
    parser: Held[Parser] | None,
    *,
    background: Tensor | None = None,
    areas: Areas = None,
    progress: Callable[[int], None] | None = None,
    out: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor, Faces]:
    """Put restored faces back into their images.

    Args:
        images: (B, H, W, C); may be larger or smaller than the images the faces were found in.
        faces: those not restored are left out, with a note.
        background: (B, h, w, C), the result behind the faces; h, w set its size. Defaults to the images enlarged by the
        options' scale.
        areas: for each image a mask outside which nothing is changed.
        progress: called with the number of images done.
        out: what `blend_output` made for these images, to write into.

    Returns:
        Images (B, h, w, C) and masks (B, h, w) of what was changed, on the host's device for images; and the faces with
        the notes of this step.
    """
    _check_blend(images, faces, background)
    faces = _only_restored(faces)
    base = images if background is None else background.expand(len(images), -1, -1, -1)
    size = output_size((base.shape[1], base.shape[2]), options.scale if background is None else 1.0)
    result, masks = out or blend_output(len(images), size, base.shape[3])
    network = None if parser is None else parser.network
    if faces.made_by.model == MADE_ELSEWHERE:
        options = _as_edited(options, network)
    if parser is not None and faces.used:
        parser.bring()
    told = []
    for index, entry in enumerate(faces.by_image):
        host.stop_if_interrupted()
        _put_background(result[index], base[index])
        finished, colours = finish_faces([entry], options, network), [core_image(result[index])]
        area = None if areas is None else [areas[index]]
        (blended,) = blend_faces(finished, onto=colours, areas=area, out=colours)
        masks[index] = blended.mask[0]
        told.append(replace(entry, notes=finished[0].notes, made_by=finished[0].made_by))
        if progress is not None:
            progress(index + 1)
    return result, masks, faces.changed(told)


def blend_output(num_images: int, size: tuple[int, int], num_channels: int) -> tuple[Tensor, Tensor]:
    """Tensors for the result of `blend`: images of 3 or 4 channels, and masks."""
    device = host.result_device()
    return (
        torch.empty(num_images, *size, max(3, num_channels), device=device),
        torch.empty(num_images, *size, device=device),
    )


def _as_edited(options: BlendOptions, parser: Parser | None) -> BlendOptions:
    """The options for crops that somebody edited: what differs from the input is meant to."""
    return options.replace(mask=mask_kind(options.mask, parser), detail=0.0)


def _check_blend(images: Tensor, faces: Faces, background: Tensor | None) -> None:
    if len(images) != len(faces.by_image):
        raise InputError(
            f"the faces come from {len(faces.by_image)} images, but {len(images)} are to be blended; "
            "connect the batch that the faces were found in"
        )
    if background is not None and len(background) not in (1, len(images)):
        raise InputError(f"background: {len(background)} images for {len(images)}; give one, or one for each")


def _only_restored(faces: Faces) -> Faces:
    """Without faces that were not restored, e.g. by a node that is bypassed; the notes say so."""
    if len(faces.restored) == len(faces.used):
        return faces
    _log.warning("VQFR: %s", NOT_RESTORED)
    host.say(f"0 restored: {NOT_RESTORED}")
    return faces.changed([_left_out(entry) for entry in faces.by_image])


def _left_out(entry: ImageFaces) -> ImageFaces:
    kept = [face if face.restored is not None else replace(face, skipped="not restored") for face in entry.used]
    return entry.with_used(kept, notes=(*entry.notes, NOT_RESTORED))


def _put_background(target: Tensor, base: Tensor) -> None:
    """Fill target (h, w, 3 or 4) with base (H, W, 1, 3 or 4), enlarged where it is smaller."""
    size = (target.shape[0], target.shape[1])
    core_image(target).copy_(prepare_background(core_image(base), size, None))
    if base.shape[2] == 4:
        target[..., 3] = prepare_background(base[..., 3].expand(3, -1, -1), size, None)[0]
