"""Augmented random crops of faces, by number, so that a run can be resumed exactly."""

import multiprocessing
import sys
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .degrade import degrade_for_training

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
    return _recolour(crop, rng)


def _recolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other exposure, white balance and contrast; sometimes lit from one side, dark, faded, grey or sepia.

    What the light and the print did is not for the network to undo: its answer keeps the input's tones.
    """
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.92, 1.08, 3)
    offset = rng.uniform(-12, 12)
    if rng.random() < 0.1:  # faded: blacks rise, whites fall
        gain, offset = gain * rng.uniform(0.5, 0.85), offset + rng.uniform(15, 60)
    elif rng.random() < 0.1:  # dark
        gain = gain * rng.uniform(0.25, 0.7)
    table = np.clip(np.arange(256)[:, None] * gain + offset, 0, 255).astype(np.uint8)
    recoloured: np.ndarray = cv2.merge([table[image[..., c], c] for c in range(3)])
    if rng.random() < 0.25:
        recoloured = _light_from_one_side(recoloured, rng)
    if rng.random() < 0.12:
        grey = cv2.cvtColor(recoloured, cv2.COLOR_RGB2GRAY)[..., None]
        tint = np.ones(3) if rng.random() < 0.6 else np.array([1.06, 0.97, rng.uniform(0.65, 0.9)])
        recoloured = np.clip(grey * tint, 0, 255).astype(np.uint8)
    return recoloured


def _light_from_one_side(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brighter on one side than on the other."""
    height, width = image.shape[:2]
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.45)
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    ramp = 1 + strength * (np.cos(angle) * x + np.sin(angle) * y).astype(np.float32)
    lit: np.ndarray = np.clip(image * ramp[..., None], 0, 255).astype(np.uint8)
    return lit


def make_batch(
    pictures: list[bytes], crop_px: int, batch_size: int, seed: int, number: int, degraded: bool = True
) -> Batch:
    """Batch `number` of the endless sequence of `seed`; without `degraded` its second part repeats the first."""
    rng = np.random.default_rng([seed, number])
    chosen = rng.choice(len(pictures), batch_size, replace=batch_size > len(pictures))
    sharp = [random_crop(pictures[i], crop_px, rng) for i in chosen]
    pixels = to_tensor(sharp)
    return Batch(pixels, to_tensor([degrade_for_training(image, rng) for image in sharp]) if degraded else pixels)


class _Batches(Dataset[Batch]):
    """All batches of the sequence, by number."""

    def __init__(self, pictures: list[bytes], crop_px: int, batch_size: int, seed: int, degraded: bool) -> None:
        self.pictures, self.crop_px, self.batch_size, self.seed = pictures, crop_px, batch_size, seed
        self.degraded = degraded

    def __getitem__(self, number: int) -> Batch:
        return make_batch(self.pictures, self.crop_px, self.batch_size, self.seed, number, self.degraded)


def batches(
    pictures: list[bytes],
    crop_px: int,
    batch_size: int,
    seed: int,
    first: int,
    stride: int = 1,
    num_workers: int = 1,
    pin_memory: bool = False,
    degraded: bool = True,
) -> Iterator[Batch]:
    """Every `stride`-th batch from number `first` on, made ahead by worker processes (0: made on demand)."""
    return iter(
        DataLoader(
            _Batches(pictures, crop_px, batch_size, seed, degraded),
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
