"""The steps over batches of host images. Each takes Faces and gives new ones; nothing given is changed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..vqfr_core.errors import InputError
from ..vqfr_core.networks.devices import pick_batch_size, precision_name
from ..vqfr_core.options import RestoreOptions
from ..vqfr_core.pipeline.affine import compose_affine, resize_affine
from ..vqfr_core.pipeline.align import align_face
from ..vqfr_core.pipeline.blending.background import output_size, resize_lanczos
from ..vqfr_core.pipeline.blending.masks import make_masks
from ..vqfr_core.pipeline.blending.match import match_faces
from ..vqfr_core.pipeline.blending.paste import blend_faces
from ..vqfr_core.pipeline.finding.find import choose_faces, faces_in_boxes, find_faces
from ..vqfr_core.pipeline.restoring.restore import Progress, restore_faces
from ..vqfr_core.types import Box, Detections, FaceCrop, RestoredFace
from . import host
from .faces import Faces, ImageFaces, share_batch
from .images import core_image, resized_mask
from .models import Finder, Parser, Restorer

Areas = Sequence[Tensor] | None
"""For each image a mask (H, W)."""
Boxes = Sequence[Sequence[Box]] | None
"""For each image some boxes."""


def find(images: Tensor, finder: Finder, options: RestoreOptions, *, boxes: Boxes = None, areas: Areas = None) -> Faces:
    """Detect and select the faces of a batch (B, H, W, C), only in the boxes and areas where given."""
    host.bring_to_device(finder.held)
    views = [core_image(image) for image in images]
    everything = options.replace(select="all", max_faces=0)
    found = find_faces(views, finder.network, everything, should_stop=host.stop_if_interrupted)
    return _aligned(images, _chosen(views, found, options, boxes, areas), finder.network.name)


def take_boxes(images: Tensor, finder: Finder, boxes: Boxes, options: RestoreOptions) -> Faces:
    """Faces given as boxes; the detector only looks for their landmarks."""
    host.bring_to_device(finder.held)
    views = [core_image(image) for image in images]
    given = []
    for view, own in zip(views, boxes or [], strict=True):
        host.stop_if_interrupted()
        given.append(Detections(faces_in_boxes(view, own, finder.network), []))
    return _aligned(images, _chosen(views, given, options, None, None), f"given by hand, {finder.network.name}")


def choose(faces: Faces, options: RestoreOptions, *, boxes: Boxes = None, areas: Areas = None) -> Faces:
    """Some of the faces, the others with the reason; restored ones stay restored."""
    views = [core_image(image) for image in faces.images]
    found = [entry.detections for entry in faces.by_image]
    by_image, is_same = [], True
    for entry, detections in zip(faces.by_image, _chosen(views, found, options, boxes, areas), strict=True):
        numbers = [entry.detections.faces.index(face) for face in detections.faces]
        restored = None if entry.restored is None else [entry.restored[number] for number in numbers]
        by_image.append(ImageFaces(detections, [entry.crops[number] for number in numbers], restored))
        is_same = is_same and numbers == list(range(len(entry.crops)))
    batches = {} if is_same else {"crop_batch": None, "restored_batch": None}
    return replace(faces, by_image=by_image, **batches)


def restore(
    faces: Faces,
    restorer: Restorer,
    fidelity: float | Sequence[float] | Tensor,
    batch_size: int,
    progress: Progress | None = None,
) -> Faces:
    """Send the crops of all images through the network. fidelity: as for `restore_faces`."""
    device = restorer.held.device
    at_once = pick_batch_size(batch_size, device)
    if faces.num_faces:
        restorer.bring(min(at_once, faces.num_faces))
    restored = restore_faces(
        faces.crops,
        restorer.network,
        fidelity=fidelity,
        batch_size=at_once,
        progress=progress or host.face_progress(),
        should_stop=host.stop_if_interrupted,
    )
    batch = None
    if restored:
        batch, views = share_batch([face.image for face in restored])
        restored = [replace(face, image=view) for face, view in zip(restored, views, strict=True)]
    told = {"restorer": _describe(restorer, fidelity), "notes": _notes(restorer, faces)}
    return faces.with_restored(restored, restored_batch=batch, **told)


def blend(
    images: Tensor,
    faces: Faces,
    options: RestoreOptions,
    parser: Parser | None,
    *,
    background: Tensor | None = None,
    areas: Areas = None,
    progress: Callable[[int], None] | None = None,
    out: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Put restored faces back into their images.

    Args:
        images: (B, H, W, C); may be larger or smaller than the images the faces were found in.
        background: (B, h, w, C), what lies behind the faces in the result; h, w decide its size. Else the images
            enlarged by the scale of the options.
        areas: for each image a mask outside of which nothing is changed.
        progress: called with the number of images done.
        out: what `blend_output` made for these images, to write into.

    Returns:
        Images (B, h, w, C) and masks (B, h, w) of what was changed, on the device the host wants.
    """
    _check_blend(images, faces, background)
    base, size = _base(images, background, options.scale)
    result, masks = out or blend_output(len(images), size, base.shape[3])
    if parser is not None and faces.num_faces:
        host.bring_to_device(parser.held)
    for index, entry in enumerate(faces.by_image):
        host.stop_if_interrupted()
        finished = _finished(entry, faces.size, size, options, parser)
        area = None if areas is None else resized_mask(areas[index], size)
        _blend_image(result[index].permute(2, 0, 1), masks[index], base[index].permute(2, 0, 1), finished, area)
        if progress is not None:
            progress(index + 1)
    return result, masks


def blend_output(num_images: int, size: tuple[int, int], num_channels: int) -> tuple[Tensor, Tensor]:
    """Room for the result of `blend`: images of 3 or 4 channels, and masks."""
    device = host.result_device()
    return (
        torch.empty(num_images, *size, max(3, num_channels), device=device),
        torch.empty(num_images, *size, device=device),
    )


def _chosen(
    views: Sequence[Tensor], found: Sequence[Detections], options: RestoreOptions, boxes: Boxes, areas: Areas
) -> list[Detections]:
    return [
        choose_faces(view, detections, options, boxes and boxes[index], None if areas is None else areas[index])
        for index, (view, detections) in enumerate(zip(views, found, strict=True))
    ]


def _aligned(images: Tensor, found: Sequence[Detections], detector: str) -> Faces:
    crops = [
        [align_face(core_image(image), face) for face in detections.faces]
        for image, detections in zip(images, found, strict=True)
    ]
    flat, batch = [crop for own in crops for crop in own], None
    if flat:
        batch, views = share_batch([crop.image for crop in flat])
        crops = [[replace(crop, image=next(views)) for crop in own] for own in crops]
    by_image = [ImageFaces(detections, own) for detections, own in zip(found, crops, strict=True)]
    return Faces(images, by_image, detector, crop_batch=batch)


def _describe(restorer: Restorer, fidelity: float | Sequence[float] | Tensor) -> dict[str, Any]:
    network = restorer.network
    info = network.info
    shown: Any = "a map" if isinstance(fidelity, Tensor) else fidelity
    return {
        "name": info.name,
        "generation": info.generation,
        "file": info.path.name,
        "sha256": info.sha256,
        "source": info.source,
        "device": str(restorer.held.device),
        "precision": precision_name(network.dtype),
        "fidelity": shown if network.has_fidelity else None,
    }


def _notes(restorer: Restorer, faces: Faces) -> list[str]:
    if restorer.network.has_fidelity:
        return faces.notes
    name = restorer.network.info.name
    return [*faces.notes, f"{name} is a VQFR v1, which has no fidelity: the setting was ignored"]


def _check_blend(images: Tensor, faces: Faces, background: Tensor | None) -> None:
    if len(images) != len(faces.by_image):
        raise InputError(
            f"the faces come from {len(faces.by_image)} images, but {len(images)} are to be blended; "
            "connect the batch that the faces were found in"
        )
    if background is not None and len(background) not in (1, len(images)):
        raise InputError(f"background: {len(background)} images for {len(images)}; give one, or one for each")
    if faces.restored is None:
        raise InputError(
            "the faces have not been restored yet: put Restore Faces, or Faces from Crops, between detection and Blend"
        )


def _base(images: Tensor, background: Tensor | None, scale: float) -> tuple[Tensor, tuple[int, int]]:
    """What lies behind the faces, and the result's (height, width)."""
    if background is None:
        return images, output_size((images.shape[1], images.shape[2]), scale)
    base = background if len(background) == len(images) else background.expand(len(images), -1, -1, -1)
    return base, (base.shape[1], base.shape[2])


def _blend_image(
    target: Tensor, mask: Tensor, base: Tensor, faces: Sequence[RestoredFace], area: Tensor | None
) -> None:
    """Fill target (3 or 4, h, w) and mask (h, w) with base (C, H, W) and the faces, which are in target's geometry."""
    _put_background(target, base)
    colors = target[:3]
    changed = blend_faces(colors, faces, out=colors).mask
    mask.copy_((changed if area is None else _keep_outside(target, base, changed, area))[0])


def _put_background(target: Tensor, base: Tensor) -> None:
    """Fill target (3 or 4, h, w) with base (1, 3 or 4, H, W), enlarged where it is smaller."""
    if base.shape[1:] == target.shape[1:]:
        target.copy_(base.expand_as(target) if base.shape[0] == 1 else base)
        return
    colors = base.expand(3, -1, -1) if base.shape[0] == 1 else base[:3]
    size = (target.shape[1], target.shape[2])
    target[:3] = resize_lanczos(colors, size)
    if base.shape[0] == 4:
        target[3] = resize_lanczos(base[3:].expand(3, -1, -1), size)[0].clamp(0, 1)


def _finished(
    entry: ImageFaces,
    old_size: tuple[int, int],
    new_size: tuple[int, int],
    options: RestoreOptions,
    parser: Parser | None,
) -> list[RestoredFace]:
    """Faces of one image with masks, colours and opacity, in the geometry of the result."""
    masked = make_masks(
        entry.restored or [],
        kind=options.mask,
        regions=options.regions,
        erode=options.erode,
        feather=options.feather,
        parser=parser.network if parser is not None else None,
    )
    matched = match_faces(masked, color_match=options.color_match, grain=options.grain)
    to_old = resize_affine(new_size, old_size)
    return [
        replace(face, crop=_fitted(face.crop, to_old, old_size == new_size), opacity=face.opacity * options.opacity)
        for face in matched
    ]


def _fitted(crop: FaceCrop, new_to_old: Any, same_size: bool) -> FaceCrop:
    return crop if same_size else replace(crop, image_to_crop=compose_affine(new_to_old, crop.image_to_crop))


def _keep_outside(target: Tensor, base: Tensor, mask: Tensor, area: Tensor) -> Tensor:
    """Take back what was changed outside the area (h, w), bit for bit; gives the new mask (1, h, w)."""
    area = area.to(target.device)[None]
    before = torch.empty_like(target)
    _put_background(before, base)
    mixed = torch.lerp(before, target, area.to(target.dtype))
    target.copy_(torch.where(area >= 1, target, torch.where(area > 0, mixed, before)))
    return mask * area
