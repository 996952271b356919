"""The degradations seen in training: those of `vqfr_core.evaluation.degrade` with wider ranges."""

import cv2
import numpy as np

from vqfr_core.evaluation.degrade import Severity, degrade

TRAINING_MIX = (
    (0.25, Severity(blur_px=(0.2, 2.5), shrink=(1.0, 3.5), noise=(0.0, 7.0), jpeg=(60, 98))),
    (0.40, Severity(blur_px=(1.5, 5.5), shrink=(3.0, 6.5), noise=(3.0, 14.0), jpeg=(45, 85))),
    (0.35, Severity(blur_px=(2.5, 8.5), shrink=(5.5, 10.5), noise=(6.0, 20.0), jpeg=(30, 75))),
)
"""Probability and ranges of the degradations seen in training: wider than, and overlapping, the evaluation levels."""

MOTION_CHANCE = 0.12
"""Share of faces that are blurred along a line, too."""
SCRATCHES_CHANCE = 0.08
"""Share of faces with scratches, as on old prints; they are degraded with the face."""


def degrade_for_training(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random degradation from `TRAINING_MIX`, enlarged as different programs would; some moved or scratched."""
    severity = TRAINING_MIX[rng.choice(len(TRAINING_MIX), p=[chance for chance, _ in TRAINING_MIX])][1]
    interpolation = cv2.INTER_LINEAR if rng.random() < 0.35 else cv2.INTER_CUBIC
    if rng.random() < MOTION_CHANCE:
        image = move(image, rng.uniform(3, 16), rng.uniform(0, 180))
    if rng.random() < SCRATCHES_CHANCE:
        image = scratch(image, rng)
    return degrade(image, severity, rng, interpolation)


def move(image: np.ndarray, length_px: float, angle_deg: float) -> np.ndarray:
    """Blur along a line, as by a camera or a head in motion. uint8 (H, W, 3)."""
    size = int(length_px) | 1
    line = np.zeros((size, size), np.float32)
    line[size // 2] = 1
    turn = cv2.getRotationMatrix2D((size // 2, size // 2), angle_deg, 1.0)
    kernel = cv2.warpAffine(line, turn, (size, size))
    moved: np.ndarray = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT_101)
    return moved


def scratch(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One to five thin bright or dark lines, each through a few random points. uint8 (H, W, 3)."""
    height, width = image.shape[:2]
    scratched = image.copy()
    for _ in range(rng.integers(1, 6)):
        start, drift = rng.uniform(0, (width, height)), rng.normal(0, (width / 8, height / 3), (6, 2))
        points = np.rint(start + np.cumsum(drift, axis=0)).astype(np.int32)
        tone = int(rng.uniform(190, 256) if rng.random() < 0.7 else rng.uniform(0, 60))
        thickness = int(rng.integers(1, 4))
        cv2.polylines(scratched, [points], False, (tone, tone, tone), thickness, cv2.LINE_AA)
    return scratched
