"""Light and print of training faces. Neither is for the network to undo: its answer keeps the input's tones."""

import cv2
import numpy as np


def recolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Other exposure and white balance; sometimes dark, faded, lit from one side, grey or sepia. uint8 (H, W, 3)."""
    image = _expose(image, rng)
    if rng.random() < 0.25:
        image = light_from_one_side(image, rng)
    return _without_colour(image, rng) if rng.random() < 0.12 else image


def _expose(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    gain, offset = rng.uniform(0.8, 1.2) * rng.uniform(0.92, 1.08, 3), rng.uniform(-12, 12)
    if rng.random() < 0.1:  # faded: blacks rise, whites fall
        gain, offset = gain * rng.uniform(0.5, 0.85), offset + rng.uniform(15, 60)
    elif rng.random() < 0.1:  # dark
        gain = gain * rng.uniform(0.25, 0.7)
    table = np.clip(np.arange(256)[:, None] * gain + offset, 0, 255).astype(np.uint8)
    exposed: np.ndarray = cv2.merge([table[image[..., c], c] for c in range(3)])
    return exposed


def light_from_one_side(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brighter on one side than on the other. uint8 (H, W, 3)."""
    height, width = image.shape[:2]
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.45)
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    ramp = 1 + strength * (np.cos(angle) * x + np.sin(angle) * y).astype(np.float32)
    lit: np.ndarray = np.clip(image * ramp[..., None], 0, 255).astype(np.uint8)
    return lit


def _without_colour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Grey, or a print that has turned yellow or brown."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]
    tint = np.ones(3) if rng.random() < 0.6 else np.array([1.06, 0.97, rng.uniform(0.65, 0.9)])
    return np.clip(grey * tint, 0, 255).astype(np.uint8)
