"""Augmented random crops of faces, by number, so that a run can be resumed exactly."""

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .degrade import degrade_for_training
from .tones import recolour

TEMPLATE_PX = 512


class Batch(NamedTuple):
    """RGB, (B, 3, H, W), channels-last: uint8 as loaded, in [-1, 1] when trained on."""

    sharp: Tensor
    degraded: Tensor

    def on(self, device: torch.device) -> "Batch":
        """In [-1, 1] on a device. Transfers bytes, a quarter of the floats."""
        return Batch(*(to_range(pixels.to(device, non_blocking=True)) for pixels in self))


def decode(encoded: bytes) -> np.ndarray:
    """uint8 (H, W, 3) RGB."""
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a picture of the training data cannot be decoded")
    return np.ascontiguousarray(image[..., ::-1])


def whole_face(encoded: bytes) -> np.ndarray:
    """The face at the size of the template, uint8 (512, 512, 3) RGB."""
    return cv2.resize(decode(encoded), (TEMPLATE_PX, TEMPLATE_PX), interpolation=cv2.INTER_CUBIC)


def to_tensor(images: list[np.ndarray]) -> Tensor:
    """(H, W, 3) each -> (B, 3, H, W) of the same numbers, channels-last in memory."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)


def to_range(pixels: Tensor) -> Tensor:
    """uint8 -> float32 in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1)


def random_crop(encoded: bytes, crop_px: int, rng: np.random.Generator) -> np.ndarray:
    """A crop at about the template's scale: flipped, turned, scaled, recoloured. uint8 (crop_px, crop_px, 3)."""
    image = decode(encoded)
    # Sometimes smaller faces: enlarged pictures are never quite sharp, and unaligned portraits occur in use.
    scale = TEMPLATE_PX / image.shape[1] * (rng.uniform(0.9, 1.12) if rng.random() < 0.6 else rng.uniform(0.55, 0.9))
    angle_deg = rng.normal(0.0, 3.0 if rng.random() < 0.8 else 12.0)
    half = min(crop_px / scale, image.shape[1]) / 2
    center = (
        rng.uniform(half, image.shape[1] - half, 2) if half * 2 < image.shape[1] else np.full(2, image.shape[1] / 2)
    )
    matrix = cv2.getRotationMatrix2D((float(center[0]), float(center[1])), angle_deg, scale)
    matrix = matrix + np.column_stack([np.zeros((2, 2)), crop_px / 2 - center])
    if rng.random() < 0.5:
        matrix = np.array([[-1.0, 0.0, crop_px - 1], [0.0, 1.0, 0.0]]) @ np.vstack([matrix, [0.0, 0.0, 1.0]])
    if scale < 0.9:
        image = cv2.GaussianBlur(image, (0, 0), 0.3 / scale)  # against aliasing
    size = (crop_px, crop_px)
    crop = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return recolour(crop, rng)


def make_batch(pictures: list[bytes], crop_px: int, batch_size: int, seed: int, degraded: bool, number: int) -> Batch:
    """Batch `number` of the endless sequence of `seed`. Without `degraded`, the sharp crops stand for the others."""
    rng = np.random.default_rng([seed, number])
    chosen = rng.choice(len(pictures), batch_size, replace=batch_size > len(pictures))
    crops = [random_crop(pictures[i], crop_px, rng) for i in chosen]
    sharp = to_tensor(crops)
    return Batch(sharp, to_tensor([degrade_for_training(crop, rng) for crop in crops]) if degraded else sharp)


class _Batches(Dataset[Batch]):
    """All batches of a sequence, by number."""

    def __init__(self, make: Callable[[int], Batch]) -> None:
        self.make = make

    def __getitem__(self, number: int) -> Batch:
        return self.make(number)


def batches(
    make: Callable[[int], Batch], first: int, stride: int = 1, num_workers: int = 1, pin_memory: bool = False
) -> Iterator[Batch]:
    """Every `stride`-th batch from number `first` on, made ahead by worker processes (0: made on demand).

    make: gives the batch of a number, such as `make_batch` with everything else filled in; worker processes get a copy.
    """
    return iter(
        DataLoader(
            _Batches(make),
            sampler=range(first, sys.maxsize, stride),
            batch_size=None,
            num_workers=num_workers,
            prefetch_factor=4 if num_workers else None,
            worker_init_fn=_begin_worker,
            multiprocessing_context=_context() if num_workers else None,
            pin_memory=pin_memory,
        )
    )


def _context() -> multiprocessing.context.BaseContext:
    """Processes without this one's threads: a plain fork copies OpenCV's locks and may deadlock.

    The trainer is imported once for all of them: separately they took 40 seconds to start on a rented machine.
    """
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.train"])
    return context


def _begin_worker(_: int) -> None:
    """The processes share the cores: one thread each."""
    cv2.setNumThreads(1)
