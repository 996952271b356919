"""Seeded degradation of sharp faces in the order of the paper: blur, downsampling, noise, JPEG, and back to size.

VQFR (Gu et al., ECCV 2022, arXiv 2205.06803, section 4.1). Pixels of blur refer to a face at the 512 template.
"""

from dataclasses import dataclass

import cv2
import numpy as np

Range = tuple[float, float]


@dataclass(frozen=True)
class Severity:
    """Ranges that one degradation is drawn from, uniformly."""

    blur_px: Range
    """Standard deviation of the Gaussian blur."""
    shrink: Range
    """How many times smaller the face becomes."""
    noise: Range
    """Standard deviation of the Gaussian noise, on the scale 0 to 255."""
    jpeg: Range
    """JPEG quality."""


LEVELS = {
    "light": Severity(blur_px=(0.5, 2.0), shrink=(1.5, 3.0), noise=(1.0, 5.0), jpeg=(75, 95)),
    "medium": Severity(blur_px=(2.0, 5.0), shrink=(4.0, 6.0), noise=(5.0, 12.0), jpeg=(50, 80)),
    "heavy": Severity(blur_px=(3.0, 8.0), shrink=(6.0, 10.0), noise=(8.0, 18.0), jpeg=(35, 65)),
}
"""Fixed levels for evaluation. They must not change: measured tables refer to them."""


def degrade(
    image: np.ndarray, severity: Severity, rng: np.random.Generator, interpolation: int | None = None
) -> np.ndarray:
    """One degraded version of a face.

    Args:
        image: uint8 (H, W, 3) RGB at the scale of the 512 template.
        severity: ranges to draw from.
        rng: source of all randomness: the same state gives the same bytes.
        interpolation: OpenCV's constant for enlarging; bicubic by default.

    Returns:
        uint8 (H, W, 3) RGB of the same size.
    """
    height, width = image.shape[:2]
    sigma, shrink, noise, quality = (
        rng.uniform(*bounds) for bounds in (severity.blur_px, severity.shrink, severity.noise, severity.jpeg)
    )
    blurred = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    size = max(8, round(width / shrink)), max(8, round(height / shrink))
    small = cv2.resize(blurred, size, interpolation=cv2.INTER_AREA)
    noisy = small + noise * rng.standard_normal(small.shape, dtype=np.float32)
    compressed = through_jpeg(np.clip(np.rint(noisy), 0, 255).astype(np.uint8), round(quality))
    return cv2.resize(
        compressed, (width, height), interpolation=cv2.INTER_CUBIC if interpolation is None else interpolation
    )


def degrade_level(image: np.ndarray, level: str, seed: int) -> np.ndarray:
    """The fixed degradation `level` of face number `seed`: the same on every machine up to rounding of the codec."""
    return degrade(image, LEVELS[level], np.random.default_rng([seed, list(LEVELS).index(level)]))


def through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """uint8 (H, W, 3) RGB as it comes out of a JPEG file."""
    encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded[..., ::-1]
