"""Align a face upright, at the size and position the networks were trained with (FFHQ alignment)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor

from ..errors import InputError
from ..types import Box, Face, FaceCrop, FaceDetection, ImageFaces, MadeBy, Point
from .affine import compose_affine, invert_affine, resize_affine, transform_points, translation_affine, warp_affine
from .degradation import measure_degradation

CROP_SIZE_PX = 512
FFHQ_TEMPLATE = (
    Point(192.98138, 239.94708),
    Point(318.90277, 240.1936),
    Point(256.63416, 314.01935),
    Point(201.26117, 371.41043),
    Point(313.08905, 371.15118),
)
"""Where the eyes, the nose tip and the corners of the mouth are in a 512 px crop (facexlib's numbers)."""

_MIN_SPREAD_PX = 0.5  # closer than this, five points count as one
_MIN_LIKENESS = 0.3  # correlation with the template; even a profile has more than 0.7
_MAX_ASPECT = 2.0


def estimate_image_to_crop(
    landmarks: Sequence[Point] | np.ndarray, size_px: int = CROP_SIZE_PX, template: np.ndarray | None = None
) -> np.ndarray:
    """The rotation, scale and shift that best fit five landmarks to the template (least squares, no mirroring).

    Args:
        landmarks: left eye, right eye, nose tip, left and right corner of the mouth, (x, y) in image pixels.
        size_px: side of the crop.
        template: where the points should be in the crop, (5, 2); None means FFHQ's.

    Returns:
        float64 (2, 3): maps image pixels to crop pixels, pixel centres at integers.

    Raises:
        InputError: the points are not five, not finite, or do not form a face.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise InputError(f"a face has five finite landmarks (x, y), got {points.tolist()}")
    if template is None:
        template = transform_points(FFHQ_TEMPLATE, resize_affine((CROP_SIZE_PX, CROP_SIZE_PX), (size_px, size_px)))
    # In complex numbers a similarity is crop = factor * image + shift, and least squares has a closed form.
    source, target = points @ (1, 1j), template @ (1, 1j)
    centered, target_centered = source - source.mean(), target - target.mean()
    spread, target_spread = np.linalg.norm(centered), np.linalg.norm(target_centered)
    if spread < _MIN_SPREAD_PX:
        raise InputError(f"the five landmarks of a face are at one spot near {_rounded(points[0])}")
    product = np.vdot(centered, target_centered)
    if abs(product) < _MIN_LIKENESS * spread * target_spread:
        shown = [_rounded(point) for point in points]
        raise InputError(f"the five landmarks do not form a face (the viewer's left eye comes first): {shown}")
    factor = product / spread**2
    shift = target.mean() - factor * source.mean()
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def align_face(image: Tensor, detection: FaceDetection, size_px: int = CROP_SIZE_PX, factor: float = 1.0) -> FaceCrop:
    """Cut a face out of an image, upright and at the network's size.

    Bicubic, antialiased if the face is larger than the crop. Beyond its edge the image is mirrored, so that the network
    sees no hard border.

    Args:
        image: RGB in [0, 1], (3, H, W).
        detection: a face of this image.
        size_px: side of the crop.
        factor: side of the view, as a multiple of what the networks see; the face's middle stays where it is.

    Raises:
        InputError: the landmarks do not form a face, or the image has a wrong shape.
    """
    _check_image(image)
    image_to_crop = _image_to_view(detection, size_px, factor)
    return FaceCrop(detection, _cut(image, image_to_crop, size_px), image_to_crop, factor)


def view_face(
    image: Tensor, detection: FaceDetection, image_size: tuple[int, int], size_px: int, factor: float
) -> Tensor:
    """The crop of `align_face` from another size of the image, (3, h, w): (3, size_px, size_px).

    image_size: (height, width) of the image that the detection belongs to.
    """
    resized_to_image = resize_affine((image.shape[1], image.shape[2]), image_size)
    return _cut(image, compose_affine(resized_to_image, _image_to_view(detection, size_px, factor)), size_px)


def crop_faces(images: Sequence[ImageFaces], crop_px: int = CROP_SIZE_PX, crop_factor: float = 1.0) -> list[ImageFaces]:
    """Cut the used faces out of their images at `crop_px` and measure them, unless they have such crops.

    crop_factor: see `align_face`; the networks need 1.

    Raises InputError if landmarks do not form a face, or a crop is needed from an image that was not kept.
    """
    return [
        entry.with_used(_cropped(face, entry, crop_px, crop_factor) for face in entry.used)
        if not entry.is_aligned
        else entry
        for entry in images
    ]


def aligned_faces(images: Sequence[Tensor], crop_px: int = CROP_SIZE_PX) -> list[ImageFaces]:
    """Images (3, H, W) that are already aligned faces, each with itself as its only face. See `aligned_crop`."""
    made_by = MadeBy(detector="none: the input is an aligned face")
    entries = []
    for image in images:
        crop = aligned_crop(image, crop_px)
        face, size = _with_crop(Face(crop.detection, number=0), crop), (image.shape[1], image.shape[2])
        entries.append(ImageFaces(image, size, (face,), made_by, _notes_on_aligned(size, crop_px), is_aligned=True))
    return entries


def _notes_on_aligned(size: tuple[int, int], crop_px: int) -> tuple[str, ...]:
    """What becomes of an aligned face of another size or shape than the network's."""
    height, width = size
    if (height, width) == (crop_px, crop_px):
        return ()
    became = f"the aligned face of {width} x {height} px becomes {crop_px} x {crop_px} px, which the network works at"
    return (became if height == width else f"{became}; it is not square, so it is mirrored along its shorter side",)


def _cropped(face: Face, entry: ImageFaces, crop_px: int, factor: float) -> Face:
    if face.crop is not None and (face.crop.image.shape[-1], face.crop.factor) == (crop_px, factor):
        return face
    if entry.image is None:
        raise InputError("the faces have no crops of the size that is needed, and their image is not kept")
    return _with_crop(face, align_face(entry.image, face.detection, crop_px, factor))


def _with_crop(face: Face, crop: FaceCrop) -> Face:
    return replace(face, crop=crop, measures=measure_degradation(crop.image))


def aligned_crop(image: Tensor, size_px: int = CROP_SIZE_PX) -> FaceCrop:
    """Take a whole image as an already aligned face.

    The longer side is resized to the network's size; an image that is not square is centred and mirrored along its
    shorter side. An image of the right size is used as is.

    Args:
        image: RGB in [0, 1], (3, H, W), one side at most twice the other.
        size_px: side of the crop.

    Raises:
        InputError: the image is too far from a square to be an aligned face.
    """
    _check_image(image)
    height, width = image.shape[-2:]
    if max(height, width) > _MAX_ASPECT * min(height, width):
        raise InputError(
            f"an aligned face must be about square, got {width} x {height} px; "
            "crop the image to the face, or let faces be detected in it"
        )
    longer = max(height, width)
    to_square = translation_affine((longer - width) / 2, (longer - height) / 2)
    image_to_crop = compose_affine(to_square, resize_affine((longer, longer), (size_px, size_px)))
    landmarks = transform_points(
        FFHQ_TEMPLATE,
        compose_affine(
            resize_affine((CROP_SIZE_PX, CROP_SIZE_PX), (size_px, size_px)),
            invert_affine(image_to_crop),
        ),
    )
    detection = FaceDetection(
        Box(0.0, 0.0, width - 1.0, height - 1.0), tuple(Point(float(x), float(y)) for x, y in landmarks), 1.0
    )
    unchanged = (height, width) == (size_px, size_px)
    return FaceCrop(detection, image if unchanged else _cut(image, image_to_crop, size_px), image_to_crop)


def _image_to_view(detection: FaceDetection, size_px: int, factor: float) -> np.ndarray:
    middle = (size_px - 1) / 2
    wider = np.array([[1, 0, middle * (factor - 1)], [0, 1, middle * (factor - 1)]]) / factor
    return compose_affine(estimate_image_to_crop(detection.landmarks, size_px), wider)


def _cut(image: Tensor, image_to_crop: np.ndarray, size_px: int) -> Tensor:
    crop_to_image = invert_affine(image_to_crop)
    crop = warp_affine(image, crop_to_image, (size_px, size_px), padding="reflect", mode="bicubic")
    return crop.clamp(0, 1)


def _check_image(image: Tensor) -> None:
    if image.ndim != 3 or image.shape[0] != 3 or not image.is_floating_point():
        raise InputError(f"image: needs RGB floats (3, H, W), got {image.dtype} {tuple(image.shape)}")


def _rounded(point: np.ndarray) -> tuple[float, float]:
    return round(float(point[0]), 1), round(float(point[1]), 1)
