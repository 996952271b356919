"""Readable reports and preview pictures."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..vqfr_core.pipeline.align import CROP_SIZE_PX
from ..vqfr_core.report import count_faces, face_reports
from ..vqfr_core.types import ImageFaces, all_used
from .faces import Faces
from .images import core_image, to_picture

MAX_PREVIEWS = 16
"""Images of a batch that a preview shows; a clip has thousands of frames."""
_PREVIEW_SIDE_PX = 1536
_TEXT_FRACTION = 1 / 25
"""Large, because a node shows its preview small."""
NO_FACE = "no face to restore"

_log = logging.getLogger(__name__)


def write_report(faces: Faces, blended: Mapping[str, Any] | None = None) -> str:
    """What was found in each image and what was done, as JSON. blended: the settings of the blending."""
    model = dict(faces.made_by.model) or None
    status = "found" if model is None else "restored"
    images = [
        {
            "image": index,
            "size": entry.size,
            "faces": [asdict(face) for face in face_reports(entry, status)],
        }
        for index, entry in enumerate(faces.by_image)
    ]
    report: dict[str, Any] = {
        "summary": summarize(faces, is_done=blended is not None),
        "images": images,
        "detector": faces.made_by.detector,
        "restorer": model,
        "notes": list(dict.fromkeys(note for entry in faces.by_image for note in entry.notes)),
        "warnings": _warnings(faces),
    }
    if blended is not None:
        report["blended"] = dict(blended)
    return json.dumps(report, indent=2, default=str)


def _warnings(faces: Faces) -> list[str]:
    """Those about restored faces."""
    by_image = enumerate(faces.by_image)
    return [
        f"image {index}, face {face.number}: {face.warning}"
        for index, entry in by_image
        for face in entry.used
        if face.warning
    ]


def summarize(faces: Faces, is_done: bool = False) -> str:
    """One readable line. is_done: nobody will restore them any more."""
    reasons = [face.skipped for entry in faces.by_image for face in entry.faces if face.skipped is not None]
    line = count_faces(len(faces.used), reasons, "restored" if faces.made_by.model or is_done else "chosen")
    is_empty = not any(entry.faces for entry in faces.by_image)
    return f"{line} in {len(faces.by_image)} images" if is_empty and len(faces.by_image) > 1 else line


def warn_of_images_without_faces(faces: Faces) -> None:
    """Log a line where nothing would otherwise show."""
    without = [str(index) for index, entry in enumerate(faces.by_image) if not entry.used]
    if without:
        which = f" in image {', '.join(without[:20])}" if len(faces.by_image) > 1 else ""
        _log.warning("VQFR: %s%s; %s", NO_FACE, which, summarize(faces))


def draw_previews(faces: Faces) -> Tensor:
    """The first images of the batch with their faces marked and numbered, (b, h, w, 3)."""
    from ..vqfr_core.drawing.faces import draw_faces, scale_faces

    drawings = []
    for image, entry in zip(faces.images[:MAX_PREVIEWS], faces.by_image, strict=False):
        small, factor = _reduced(core_image(image))
        drawing = draw_faces(to_picture(small), scale_faces(entry, factor), _TEXT_FRACTION)
        drawings.append(_from_pil(drawing))
    return torch.stack(drawings)


def picture_batch(batch: Tensor | None, pictures: Sequence[Tensor]) -> Tensor:
    """Pictures (3, S, S) as IMAGE: the batch they are views of, if any, else a new one.

    Hosts have no empty batches, and a graph should not stop because a picture has no face: then it is one picture that
    says so.
    """
    if batch is not None:
        return batch
    return torch.stack([picture.permute(1, 2, 0) for picture in pictures]) if pictures else message_picture(NO_FACE)


def mask_batch(masks: Sequence[Tensor]) -> Tensor:
    """Masks (S, S) as a MASK batch; one empty mask when there are none."""
    return torch.stack(list(masks)) if masks else torch.zeros(1, CROP_SIZE_PX, CROP_SIZE_PX)


def message_picture(text: str) -> Tensor:
    """(1, 512, 512, 3): a picture with a message."""
    from ..vqfr_core.drawing.sheet import draw_message

    return _from_pil(draw_message(text))[None]


def comparison_picture(columns: Sequence[tuple[str, Sequence[ImageFaces]]], cell_px: int) -> Tensor:
    """(1, h, w, 3): columns of the same faces, a row for each face; see `draw_comparison`."""
    from ..vqfr_core.drawing.sheet import draw_comparison

    labels, by_image = [label for label, _ in columns], [images for _, images in columns]
    faces = [all_used(images) for images in by_image]
    if not faces[0]:
        return message_picture(NO_FACE)
    places = [f"image {index}, face {face.number}" for index, entry in enumerate(by_image[0]) for face in entry.used]
    return _from_pil(draw_comparison(faces, labels, cell_px, places if len(by_image[0]) > 1 else ()))[None]


def _reduced(image: Tensor) -> tuple[Tensor, float]:
    """(3, H, W) no larger than a preview needs, and its reduction factor."""
    longest = max(image.shape[1:])
    if longest <= _PREVIEW_SIDE_PX:
        return image, 1.0
    factor = _PREVIEW_SIDE_PX / longest
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[2] * factor)))
    return F.interpolate(image[None], size, mode="bilinear", antialias=True)[0], factor


def _from_pil(picture: Any) -> Tensor:
    """(h, w, 3) float32 in [0, 1]."""
    return torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255)
