"""Faces given by the user or other programs instead of a detector."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from torch import Tensor

from ...errors import Cancelled, InputError
from ...networks.base import Detector
from ...types import Box, Face, FaceDetection, ImageFaces, MadeBy, Point
from ..align import FFHQ_TEMPLATE
from .areas import as_boxes
from .find import check_images, image_size
from .second_look import look_again


def given_faces(images: Sequence[Tensor], faces: Sequence[Sequence[FaceDetection]]) -> list[ImageFaces]:
    """Faces given for each image (3, H, W). Raises InputError if their number does not fit."""
    if len(faces) != len(images):
        raise InputError(f"faces were given for {len(faces)} images, but there are {len(images)}")
    made_by = MadeBy(detector="none: the faces were given")
    return [
        ImageFaces(image, image_size(image), tuple(map(Face, own)), made_by)
        for image, own in zip(check_images(images), faces, strict=True)
    ]


def faces_in_boxes(
    images: Sequence[Tensor],
    boxes: Sequence[Sequence[Box]],
    detector: Detector,
    *,
    should_stop: Callable[[], bool] | None = None,
) -> list[ImageFaces]:
    """Faces from boxes (x0, y0, x1, y1) for each image, in the boxes' order, with landmarks if the detector finds them.

    The detector looks once inside each box. A face it does not recognise there keeps the landmarks of an average
    upright face. Boxes without area or wholly outside the image are skipped. images: RGB in [0, 1], (3, H, W). Scores
    are 1: the face was requested. Raises InputError for a box that is not four finite numbers, Cancelled when
    `should_stop` says so.
    """
    result = []
    for image, own in zip(check_images(images), boxes, strict=True):
        if should_stop is not None and should_stop():
            raise Cancelled("stopped while looking at the boxes")
        size = image_size(image)
        guesses = [Face(face, skipped=_reason_to_skip(face.box, size)) for face in guess_faces(own, detector)]
        usable = [(0, face.detection) for face in guesses if face.skipped is None]
        looks = iter(look_again([image], usable, detector))
        faces = (face if face.skipped is not None else Face(replace(next(looks), score=1.0)) for face in guesses)
        made_by = MadeBy(detector=f"given by hand, {detector.name}")
        result.append(ImageFaces(image, size, tuple(faces), made_by))
    return result


def _reason_to_skip(box: Box, image_size: tuple[int, int]) -> str | None:
    height, width = image_size
    if not box.area:
        return f"a box without area ({box.width:g} x {box.height:g} px)"
    if box.x1 <= 0 or box.y1 <= 0 or box.x0 >= width or box.y0 >= height:
        return "outside the image"
    return None


def guess_faces(boxes: Sequence[Box], detector: Detector) -> list[FaceDetection]:
    """An average upright face for each box, of its area and centre, as if the detector had given the box; score 1.

    A tilted face, or a box not drawn from forehead to chin, is aligned less well than a detected one. Raises InputError
    for a box that is not four finite numbers.
    """
    return [FaceDetection(box, _average_landmarks(box, detector.typical_box), 1.0) for box in as_boxes(boxes)]


def _average_landmarks(box: Box, typical: Box) -> tuple[Point, ...]:
    scale = math.sqrt(box.area / typical.area)
    center, middle = box.center, typical.center
    return tuple(Point(center.x + (p.x - middle.x) * scale, center.y + (p.y - middle.y) * scale) for p in FFHQ_TEMPLATE)
