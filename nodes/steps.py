"""The steps of `vqfr_core.pipeline` over batches of host images, with networks managed by the host.

Each takes Faces and gives new ones; inputs are never changed.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from torch import Tensor

from ..vqfr_core.errors import InputError
from ..vqfr_core.networks.base import Detector, Restorer
from ..vqfr_core.networks.devices import pick_batch_size
from ..vqfr_core.options import FindOptions, NetworkOptions, SelectOptions
from ..vqfr_core.pipeline import (
    crop_faces,
    faces_in_boxes,
    find_faces,
    measure_drift,
    restore_by_degradation,
    select_faces,
    skip_sharp_faces,
    sweep_faces,
)
from ..vqfr_core.pipeline.align import CROP_SIZE_PX
from ..vqfr_core.pipeline.restoring.restore import Strength
from ..vqfr_core.types import Box, ImageFaces, with_all_used
from . import host
from .faces import MADE_ELSEWHERE, Faces, share_batch
from .images import core_image, to_picture
from .models import Held, open_small_detector

Areas = Sequence[Tensor] | None
"""For each image a mask (H, W)."""
Boxes = Sequence[Sequence[Box]] | None
"""For each image some boxes."""


def find(images: Tensor, detector: Held[Detector], options: FindOptions) -> Faces:
    """The faces of a batch (B, H, W, C)."""
    views = [core_image(image) for image in images]
    return Faces(images, find_faces(views, detector.bring(), options, should_stop=host.stop_if_interrupted))


def take_boxes(images: Tensor, detector: Held[Detector], boxes: Sequence[Sequence[Box]]) -> Faces:
    """Faces from boxes; the detector only looks for their landmarks."""
    views = [core_image(image) for image in images]
    return Faces(images, faces_in_boxes(views, boxes, detector.bring(), should_stop=host.stop_if_interrupted))


def select(faces: Faces, options: SelectOptions, *, boxes: Boxes = None, areas: Areas = None) -> Faces:
    """Select some of the faces, only in the given boxes and areas; skip the others. Restored ones stay restored."""
    return faces.changed(select_faces(faces.by_image, options, boxes=boxes, areas=areas))


def leave_sharp(faces: Faces, crop_px: int = CROP_SIZE_PX) -> Faces:
    """The faces cut out, and those that are already sharp skipped."""
    cropped = crop(faces, crop_px)
    return cropped.changed(skip_sharp_faces(cropped.by_image))


def crop(faces: Faces, crop_px: int) -> Faces:
    """The faces cut out, in one batch, unless already cut out at that size."""
    cut = faces.changed(crop_faces(faces.by_image, crop_px))
    if not cut.used or cut.crops[0] in faces.crops:
        return cut
    batch, views = share_batch([own.image for own in cut.crops])
    shared = [
        replace(face, crop=replace(own, image=next(views))) for face, own in zip(cut.used, cut.crops, strict=True)
    ]
    return replace(cut, by_image=with_all_used(cut.by_image, shared), crop_batch=batch)


def restore(
    faces: Faces,
    model: Held[Restorer],
    fidelity: Strength | None,
    batch_size: int,
    progress: host.FaceProgress | None = None,
) -> Faces:
    """Send the crops of all images through the network, cut anew if it needs another size, and measure the results.

    fidelity: None chooses one for each face.

    Raises InputError for edited crops: the network would be given the faces as they were before.
    """
    _refuse_edited(faces)
    cropped, shown = crop(faces, model.network.crop_px), progress or host.FaceProgress()
    sweep = partial(
        sweep_faces,
        cropped.by_image,
        model.network,
        batch_size=_make_room(model, cropped, batch_size),
        progress=shown,
        should_stop=host.stop_if_interrupted,
        seen=lambda face: shown.show(to_picture(face)),
    )
    detector = open_small_detector()
    if fidelity is None:
        restored = restore_by_degradation(cropped.by_image, model.network, detector.bring(), sweep)
    else:
        (restored,) = sweep([fidelity])
    done = cropped.changed(measure_drift(restored, detector.bring()) if cropped.used else restored)
    batch, views = share_batch(done.restored)
    shared = [replace(face, restored=next(views)) for face in done.used]
    return replace(done, by_image=with_all_used(done.by_image, shared), restored_batch=batch)


def sweep(faces: Faces, model: Held[Restorer], fidelities: Sequence[float], batch_size: int) -> list[list[ImageFaces]]:
    """The faces at several fidelities: the faces by image for each."""
    _refuse_edited(faces)
    model.network.require_fidelity()
    cropped = crop(faces, model.network.crop_px)
    return sweep_faces(
        cropped.by_image,
        model.network,
        fidelities,
        batch_size=_make_room(model, cropped, batch_size),
        progress=host.FaceProgress(),
        should_stop=host.stop_if_interrupted,
    )


def compare(
    faces: Faces, models: Sequence[Held[Restorer]], fidelities: Sequence[float], batch_size: int
) -> list[tuple[str, list[ImageFaces]]]:
    """The faces by each model at each fidelity, or once if it has none: a label and the faces by image for each.

    Raises InputError for a single model without fidelity: there would be nothing to compare.
    """
    batch_size = NetworkOptions(batch_size=batch_size).batch_size
    if len(models) == 1:
        names = [f"fidelity {value:g}" for value in fidelities]
        return list(zip(names, sweep(faces, models[0], fidelities, batch_size), strict=True))
    columns: list[tuple[str, list[ImageFaces]]] = []
    for model in models:
        if model.network.has_fidelity:
            labels = map(model.network.label, fidelities)
            columns += zip(labels, sweep(faces, model, fidelities, batch_size), strict=True)
        else:
            restored = restore(faces, model, NetworkOptions.fidelity, batch_size)
            columns.append((model.network.name, restored.by_image))
    return columns


def _refuse_edited(faces: Faces) -> None:
    if faces.used and faces.made_by.model == MADE_ELSEWHERE:
        raise InputError(
            "the crops of these faces were edited, and restoring the faces would lose that; connect Faces from Crops "
            "to Blend Faces, or restore first and edit the restored crops"
        )


def _make_room(model: Held[Restorer], faces: Faces, batch_size: int) -> int:
    """Bring the network to its device, if there is anything to do; gives the batch size."""
    at_once, num_faces = pick_batch_size(batch_size, model.device), len(faces.used)
    if num_faces:
        model.bring(model.network.working_bytes(min(at_once, num_faces)))
    return at_once
