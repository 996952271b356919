"""Faces to restore, and a restorer that notes what it is given."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vqfr_core.networks.base import Fidelity, Kept, Restored, Restorer
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, ImageFaces, Point

DETECTION = FaceDetection(Box(0, 0, 8, 8), (Point(1, 1),) * 5, 1.0)


class Recorder(Restorer):
    """Answers its input, darker by a tenth of the fidelity, after doing what a test asks for."""

    def __init__(self, crop_px: int = 8) -> None:
        super().__init__(nn.Identity(), "recorder", "a recorder", crop_px=crop_px, fidelity="map")
        self.batches: list[int] = []
        self.asked: list[list[Fidelity]] = []
        self.rendered: list[Fidelity] = []
        self.fits = 99
        self.fits_with_keeping = 99
        self.nan_below_float32 = False
        self.always_nan = False
        self.error: Exception | None = None

    def restore(self, images: Tensor, fidelities: Sequence[Fidelity], keep: bool = False) -> Restored:
        if self.error is not None:
            raise self.error
        if len(images) > (self.fits_with_keeping if keep else self.fits):
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.batches.append(len(images))
        self.asked.append(list(fidelities))
        answers = [self._answer(images, fidelity) for fidelity in fidelities]
        return Restored(answers, [(image.clone(),) for image in images] if keep else None)

    def render(self, kept: Kept, fidelity: Fidelity) -> Tensor:
        self.rendered.append(fidelity)
        return self._answer(kept[0][None], fidelity)[0]

    def run(self, images: Tensor) -> Tensor:
        raise NotImplementedError

    def _answer(self, images: Tensor, fidelity: Fidelity) -> Tensor:
        strength = torch.as_tensor(fidelity, dtype=torch.float32)
        answer = images * (1 - 0.1 * strength.view(-1, 1, 1, 1) if strength.ndim < 2 else 1 - 0.1 * strength)
        if self.always_nan or (self.nan_below_float32 and self.precision != "fp32"):
            answer = answer.clone()
            answer[0] = float("nan")
        return answer


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def make_faces() -> Callable[..., list[Face]]:
    """make_faces(number, side) gives faces whose crops have the grey values 0, 0.1, 0.2, ..."""

    def make(count: int, crop_px: int = 8) -> list[Face]:
        pictures = [torch.full((3, crop_px, crop_px), i / 10) for i in range(count)]
        return [Face(DETECTION, i, crop=FaceCrop(DETECTION, p, np.eye(2, 3))) for i, p in enumerate(pictures)]

    return make


@pytest.fixture
def entry(make_faces) -> Callable[..., ImageFaces]:
    """entry(number, side) gives an image with so many faces."""
    return lambda count, crop_px=8: ImageFaces(None, (9, 9), tuple(make_faces(count, crop_px)))


@pytest.fixture
def random_entry() -> Callable[[int], ImageFaces]:
    """random_entry(number) gives an image with faces of 128 px that all look different."""

    def make(count: int) -> ImageFaces:
        generator = torch.Generator().manual_seed(1)
        pictures = [torch.rand((3, 128, 128), generator=generator) for _ in range(count)]
        faces = [Face(DETECTION, i, crop=FaceCrop(DETECTION, p, np.eye(2, 3))) for i, p in enumerate(pictures)]
        return ImageFaces(None, (9, 9), tuple(faces))

    return make
