"""Find faces: all images' views in batches, duplicates merged, each face either used or skipped with a reason."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ...errors import Cancelled, InputError
from ...networks.base import Detector, RawFaces
from ...options import FindOptions
from ...types import Box, FaceDetection, ImageFaces, MadeBy, Point
from ..values import check_values
from .limits import Limits, judge_faces, reason_to_skip
from .second_look import look_again
from .views import View, faces_in_image, plan_views, render_view

_LOWEST_REPORTED_SCORE = 0.3  # lower confidence is not worth a line in the report
_BATCH_PX = 1 << 21  # pixels of views that go through the network at once
_MAX_OVERLAP = 0.4  # intersection over union above which two boxes are the same face

ShouldStop = Callable[[], bool]
"""Checked between pieces of work; True ends it with `Cancelled`."""


def find_faces(
    images: Tensor | Sequence[Tensor],
    detector: Detector,
    options: FindOptions | None = None,
    *,
    should_stop: ShouldStop | None = None,
) -> list[ImageFaces]:
    """Find the faces of each image, largest first, then the skipped ones, with the reason.

    Args:
        images: RGB in [0, 1]: (B, 3, H, W), or (3, H, W) each.
        detector: the network.
        options: how to look; defaults when None.
        should_stop: checked before each batch.

    Returns:
        One for each image; faces are not numbered yet. A face's score is the mean of the detector's confidence in the
        whole image and in a second, closer look, which also improves the landmarks.

    Raises:
        InputError: an image has a wrong shape or type.
        Cancelled: ``should_stop`` said so.
        VqfrError: the network gives non-finite numbers.
    """
    settings = options or FindOptions()
    pictures = check_images(images)
    sizes = [image_size(picture) for picture in pictures]
    limits = Limits.of(settings)
    lowest_score = min(_LOWEST_REPORTED_SCORE, settings.min_confidence)
    views = [
        view
        for index, size in enumerate(sizes)
        for view in plan_views(
            index, size, settings.detection_size, detector, tiles=settings.tiles, rotations=settings.rotations
        )
    ]
    found = _found_in_views(pictures, views, detector, lowest_score, should_stop)
    candidates = [_merged(faces, size) for faces, size in zip(found, sizes, strict=True)]
    final = _looked_at_again(pictures, candidates, detector, limits)
    made_by = MadeBy(detector=detector.name)
    return [
        ImageFaces(picture, size, judge_faces([f for f in faces if f.score >= lowest_score], size, limits), made_by)
        for faces, picture, size in zip(final, pictures, sizes, strict=True)
    ]


def drop_duplicates(faces: RawFaces) -> RawFaces:
    """The most confident of faces that overlap much; highest confidence first."""
    from torchvision.ops import nms

    kept = nms(torch.from_numpy(faces.boxes), torch.from_numpy(faces.scores), _MAX_OVERLAP)
    return faces.take(kept.numpy())


def check_images(images: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """The images as a list. Raises InputError unless each is RGB in floating point, (3, H, W), without NaN."""
    pictures = list(images)
    for index, picture in enumerate(pictures):
        if picture.ndim != 3 or picture.shape[0] != 3 or 0 in picture.shape or not picture.is_floating_point():
            raise InputError(
                f"image {index}: needs RGB floats in [0, 1] of shape (3, H, W), "
                f"got {picture.dtype} {tuple(picture.shape)}"
            )
        check_values(f"image {index}", picture)
    return pictures


def image_size(image: Tensor) -> tuple[int, int]:
    """(height, width) in pixels of an image (..., H, W)."""
    return image.shape[-2], image.shape[-1]


def _found_in_views(
    pictures: Sequence[Tensor],
    views: Sequence[View],
    detector: Detector,
    lowest_score: float,
    should_stop: ShouldStop | None,
) -> list[list[RawFaces]]:
    """The faces in each view of each image, in image pixels; a face can be in several."""
    found: list[list[RawFaces]] = [[] for _ in pictures]
    for batch in _batches(views):
        _stop_if(should_stop)
        rendered = torch.stack([render_view(pictures[view.image_index], view, detector.fill) for view in batch])
        for view, faces in zip(batch, detector.find(rendered, lowest_score), strict=True):
            found[view.image_index].append(faces_in_image(drop_duplicates(faces), view))
    _stop_if(should_stop)
    return found


def _batches(views: Sequence[View]) -> Iterator[list[View]]:
    """Batches of views of one size, as large as memory allows."""
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
    detector: Detector,
    limits: Limits,
) -> list[list[FaceDetection]]:
    """The candidates, with a second look at those it can lift above the limit."""
    # The second look counts half and is at most 1.
    hopes = limits._replace(min_confidence=2 * limits.min_confidence - 1)
    hopeful = [
        (index, number)
        for index, faces in enumerate(candidates)
        for number, face in enumerate(faces)
        if reason_to_skip(face, image_size(pictures[index]), hopes) is None
    ]
    looks = look_again(pictures, [(index, candidates[index][number]) for index, number in hopeful], detector)
    final = [list(faces) for faces in candidates]
    for (index, number), face in zip(hopeful, looks, strict=True):
        final[index][number] = face
    return final


def _stop_if(should_stop: ShouldStop | None) -> None:
    if should_stop is not None and should_stop():
        raise Cancelled("stopped while looking for faces")
