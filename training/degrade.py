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


def degrade_for_training(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random degradation from `TRAINING_MIX`, enlarged as different programs would."""
    severity = TRAINING_MIX[rng.choice(len(TRAINING_MIX), p=[chance for chance, _ in TRAINING_MIX])][1]
    interpolation = cv2.INTER_LINEAR if rng.random() < 0.35 else cv2.INTER_CUBIC
    return degrade(image, severity, rng, interpolation)
