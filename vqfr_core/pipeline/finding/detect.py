"""Find faces: all images' views in batches, duplicates merged, each face either to be used or skipped with a reason."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import Cancelled, InputError
from ...networks.retinaface import DetectorNetwork, RawFaces, drop_duplicates, find_candidates
from ...types import Box, Detections, FaceDetection, Point
from .limits import SizeLimits, reason_to_skip, sort_out
from .second_look import look_again
from .views import View, faces_in_image, plan_views, render_view

_LOWEST_REPORTED_SCORE = 0.3  # less sure than this is not worth a line in the report
_BATCH_PX = 1 << 21  # pixels of views that go through the network at once


def detect_faces(
    images: Tensor | Sequence[Tensor],
    detector: DetectorNetwork,
    *,
    min_confidence: float = 0.8,
    detection_size_px: int = 1280,
    tiles: bool = False,
    rotations: bool = False,
    min_face_px: float = 24.0,
    max_face_px: float = 0.0,
    min_face_fraction: float = 0.0,
    max_face_fraction: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[Detections]:
    """Find the faces of each image, the largest first, and list those that are not to be used with the reason.

    Args:
        images: RGB in [0, 1]: (B, 3, H, W), or (3, H, W) each.
        detector: the network.
        min_confidence: faces the detector is less sure of are skipped.
        detection_size_px: the longer side of an image is reduced to this for detection.
        tiles: look at an image that is larger at its full resolution, too, tile by tile, for tiny faces.
        rotations: look at everything turned by 90, 180 and 270 degrees, too.
        min_face_px, max_face_px: limits for the shorter and the longer side of a face's box, in pixels; 0 is no limit.
        min_face_fraction, max_face_fraction: limits for its longer side as a part of the image's shorter side.
        progress: called with the number of views done and their total.
        cancelled: asked before each batch whether to stop.

    Returns:
        One `Detections` for each image; skipped faces are sorted by confidence. A face's score is the mean of the
        detector's confidence in the whole image and in a second, closer look, which also makes landmarks exacter.

    Raises:
        InputError: an image has a wrong shape or type.
        Cancelled: ``cancelled`` said so.
        VqfrError: the network gives numbers that are not finite.
    """
    pictures = _checked_images(images)
    limits = SizeLimits(min_face_px, max_face_px, min_face_fraction, max_face_fraction)
    lowest_score = min(_LOWEST_REPORTED_SCORE, min_confidence)
    views = [
        view
        for index, picture in enumerate(pictures)
        for view in plan_views(index, _size(picture), detection_size_px, tiles=tiles, rotations=rotations)
    ]
    found = _found_in_views(pictures, views, detector, lowest_score, progress, cancelled)
    candidates = [_merged(faces, _size(picture)) for faces, picture in zip(found, pictures, strict=True)]
    final = _looked_at_again(pictures, candidates, detector, min_confidence, limits)
    return [
        sort_out([face for face in faces if face.score >= lowest_score], _size(picture), min_confidence, limits)
        for faces, picture in zip(final, pictures, strict=True)
    ]


def _found_in_views(
    pictures: Sequence[Tensor],
    views: Sequence[View],
    detector: DetectorNetwork,
    lowest_score: float,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> list[list[RawFaces]]:
    """For each image what each of its views shows, in pixels of the image; a face can be in several."""
    found: list[list[RawFaces]] = [[] for _ in pictures]
    num_done = 0
    for batch in _batches(views):
        _stop_if(cancelled)
        rendered = torch.stack([render_view(pictures[view.image_index], view) for view in batch])
        for view, faces in zip(batch, find_candidates(detector, rendered, lowest_score), strict=True):
            found[view.image_index].append(faces_in_image(drop_duplicates(faces), view))
        num_done += len(batch)
        if progress is not None:
            progress(num_done, len(views))
    _stop_if(cancelled)
    return found


def _batches(views: Sequence[View]) -> Iterator[list[View]]:
    """Views of one size together, as many as memory allows."""
    by_size: dict[tuple[int, int], list[View]] = defaultdict(list)
    for view in views:
        by_size[view.padded_size].append(view)
    for (height, width), alike in by_size.items():
        count = max(1, _BATCH_PX // (height * width))
        for start in range(0, len(alike), count):
            yield alike[start : start + count]


def _merged(parts: Sequence[RawFaces], image_size: tuple[int, int]) -> list[FaceDetection]:
    """Faces from all views of an image, without duplicates, with boxes inside the image."""
    everything = RawFaces(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    faces = drop_duplicates(everything)
    high = np.array([image_size[1] - 1, image_size[0] - 1] * 2, dtype=np.float64)
    boxes = np.clip(faces.boxes, 0, high)
    visible = (boxes[:, 2:] - boxes[:, :2] > 1).all(axis=1)
    return [
        FaceDetection(Box(*map(float, box)), tuple(Point(float(x), float(y)) for x, y in points), float(score))
        for box, points, score in zip(boxes[visible], faces.landmarks[visible], faces.scores[visible], strict=True)
    ]


def _looked_at_again(
    pictures: Sequence[Tensor],
    candidates: Sequence[Sequence[FaceDetection]],
    detector: DetectorNetwork,
    min_confidence: float,
    limits: SizeLimits,
) -> list[list[FaceDetection]]:
    """The candidates, with a second look at those that it can make sure enough."""
    lowest_hopeful = 2 * min_confidence - 1  # the second look counts half and is 1 at best
    hopeful = [
        (index, number)
        for index, faces in enumerate(candidates)
        for number, face in enumerate(faces)
        if reason_to_skip(face, _size(pictures[index]), lowest_hopeful, limits) is None
    ]
    looks = look_again(pictures, [(index, candidates[index][number]) for index, number in hopeful], detector)
    final = [list(faces) for faces in candidates]
    for (index, number), face in zip(hopeful, looks, strict=True):
        final[index][number] = face
    return final


def _checked_images(images: Tensor | Sequence[Tensor]) -> list[Tensor]:
    pictures = list(images)
    for index, picture in enumerate(pictures):
        if picture.ndim != 3 or picture.shape[0] != 3 or 0 in picture.shape or not picture.is_floating_point():
            raise InputError(
                f"image {index}: needs RGB floats in [0, 1] of shape (3, H, W), "
                f"got {picture.dtype} {tuple(picture.shape)}"
            )
    return pictures


def _size(picture: Tensor) -> tuple[int, int]:
    return picture.shape[-2], picture.shape[-1]


def _stop_if(cancelled: Callable[[], bool] | None) -> None:
    if cancelled is not None and cancelled():
        raise Cancelled("stopped while looking for faces")
