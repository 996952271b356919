"""Detect and select in one go, as the settings say."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import Tensor

from ...networks.retinaface import DetectorNetwork
from ...options import RestoreOptions
from ...types import Box, Detections, FaceDetection
from .detect import detect_faces
from .second_look import look_again
from .select import faces_from_boxes, select_faces


def find_faces(
    images: Sequence[Tensor],
    detector: DetectorNetwork,
    settings: RestoreOptions,
    *,
    boxes: Sequence[Box] | None = None,
    area: Tensor | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> list[Detections]:
    """The faces of each image that are to be used, by number, and those that are not, with their reasons.

    images: RGB in [0, 1], (3, H, W) each. boxes, area: see `choose_faces`. Raises Cancelled when `should_stop` says so.
    """
    found = detect_faces(
        images,
        detector,
        min_confidence=settings.min_confidence,
        detection_size_px=settings.detection_size,
        tiles=settings.tiles,
        rotations=settings.rotations,
        min_face_px=settings.min_face_px,
        max_face_px=settings.max_face_px,
        min_face_fraction=settings.min_face_fraction,
        max_face_fraction=settings.max_face_fraction,
        cancelled=should_stop,
    )
    return [
        choose_faces(image, detections, settings, boxes, area) for image, detections in zip(images, found, strict=True)
    ]


def choose_faces(
    image: Tensor,
    found: Detections,
    settings: RestoreOptions,
    boxes: Sequence[Box] | None = None,
    area: Tensor | None = None,
) -> Detections:
    """The selection of the settings among the faces found; only inside `boxes` and the mask `area` where given."""
    chosen = select_faces(
        found.faces,
        (image.shape[1], image.shape[2]),
        select=settings.select,
        sort=settings.sort,
        max_faces=settings.max_faces,
        boxes=boxes,
        mask=area,
    )
    return Detections(chosen.faces, chosen.skipped + found.skipped)


def faces_in_boxes(image: Tensor, boxes: Sequence[Box], detector: DetectorNetwork) -> list[FaceDetection]:
    """Faces given as boxes (x0, y0, x1, y1), in the boxes' order, with landmarks where the detector sees some.

    Each is looked at once, where its box is. A face that the detector does not make out there keeps the landmarks of
    an average upright face. image: RGB in [0, 1], (3, H, W). Scores are 1: the face was asked for.
    Raises InputError for a box without an area.
    """
    looks = look_again([image], [(0, face) for face in faces_from_boxes(boxes)], detector)
    return [replace(face, score=1.0) for face in looks]
