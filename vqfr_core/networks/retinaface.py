"""From the raw outputs of a RetinaFace network to boxes, landmarks and scores.

Paper: "RetinaFace: Single-Shot Multi-Level Face Localisation in the Wild" (CVPR 2020). The networks are facexlib's;
anchor sizes, variances and channel means are those their published weights were trained with.
"""

from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import VqfrError

STRIDE_PX = 32
"""Height and width of an input have to be multiples of this."""
MEAN_RGB = (123 / 255, 117 / 255, 104 / 255)
"""The colour the network takes for nothing; use it to fill up an input."""

_ANCHORS_PX = {8: (16, 32), 16: (64, 128), 32: (256, 512)}  # step: anchor sizes
_CENTER_VARIANCE, _SIZE_VARIANCE = 0.1, 0.2


class DetectorNetwork(Protocol):
    """A loaded detector network."""

    @property
    def name(self) -> str:
        """Which one it is, for messages."""

    @property
    def network(self) -> nn.Module:
        """BGR 0..255 less the mean to boxes (B, N, 4), class probabilities (B, N, 2), landmarks (B, N, 10)."""

    @property
    def device(self) -> torch.device:
        """Where the network is."""


class RawFaces(NamedTuple):
    """Faces in one picture, in pixels with the centre of the first one at (0, 0)."""

    boxes: np.ndarray
    """float64 (N, 4): x0, y0, x1, y1."""
    landmarks: np.ndarray
    """float64 (N, 5, 2): left eye, right eye, nose tip, left and right corner of the mouth, as (x, y)."""
    scores: np.ndarray
    """float64 (N,): confidence in [0, 1]."""

    def take(self, index: np.ndarray) -> "RawFaces":
        return RawFaces(self.boxes[index], self.landmarks[index], self.scores[index])


def find_candidates(detector: DetectorNetwork, pictures: Tensor, min_score: float) -> list[RawFaces]:
    """Everything the network takes for a face, with many duplicates.

    Args:
        detector: the network.
        pictures: RGB in [0, 1], (B, 3, H, W), H and W multiples of 32.
        min_score: lowest confidence wanted.

    Raises:
        VqfrError: the network's output is not finite.
    """
    with torch.inference_mode():
        mean = torch.tensor(MEAN_RGB, device=detector.device).view(1, 3, 1, 1)
        inputs = ((pictures.to(detector.device, torch.float32) - mean) * 255).flip(1)
        inputs = inputs.contiguous(memory_format=torch.channels_last)  # twice as fast on CPUs
        outputs = detector.network(inputs)
        # One transfer for all three, and decoding of the few likely ones on the CPU.
        boxes, probabilities, landmarks = (output.float() for output in outputs)
        packed = torch.cat([boxes, probabilities[..., 1:], landmarks], dim=2)
        if not bool(torch.isfinite(packed).all()):
            raise VqfrError(f"the face detector {detector.name} gave numbers that are not finite; try the CPU device")
        likely = packed[..., 4] >= min_score
        anchors = _anchors(pictures.shape[-2], pictures.shape[-1])
        return [_decode(rows[keep].cpu(), anchors[keep.cpu()]) for rows, keep in zip(packed, likely, strict=True)]


def drop_duplicates(faces: RawFaces, max_overlap: float = 0.4) -> RawFaces:
    """Of faces that overlap by more than ``max_overlap`` (intersection over union) the surest; best score first."""
    order = np.argsort(-faces.scores, kind="stable")
    kept: list[int] = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[overlaps(faces.boxes[best], faces.boxes[order]) <= max_overlap]
    return faces.take(np.array(kept, dtype=np.int64))


def overlaps(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Intersection over union of one box (4,) with boxes (N, 4); (N,)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return shared / np.maximum(areas + np.prod(box[2:] - box[:2]) - shared, 1e-9)


@lru_cache(maxsize=8)
def _anchors(height: int, width: int) -> Tensor:
    """(N, 3): centre x, centre y and side of every anchor, in pixels from the picture's outer edge."""
    parts = []
    for step, sides in _ANCHORS_PX.items():
        ys, xs = torch.arange(height // step), torch.arange(width // step)
        y, x, side = torch.meshgrid(
            (ys + 0.5) * step, (xs + 0.5) * step, torch.tensor(sides, dtype=torch.float32), indexing="ij"
        )
        parts.append(torch.stack([x, y, side], dim=-1).view(-1, 3))
    return torch.cat(parts)


def _decode(rows: Tensor, anchors: Tensor) -> RawFaces:
    """Rows (N, 15) of box, score and landmark numbers, with the anchors (N, 3) they are relative to."""
    rows, anchors = rows.double(), anchors.double()
    center, side = anchors[:, :2], anchors[:, 2:]
    box_center = center + rows[:, :2] * _CENTER_VARIANCE * side
    half_size = torch.exp(rows[:, 2:4] * _SIZE_VARIANCE) * side / 2
    landmarks = center[:, None] + rows[:, 5:].view(-1, 5, 2) * _CENTER_VARIANCE * side[:, None]
    # The network counts from the picture's outer edge (its training mirrors x to width - x), we from a pixel's centre.
    boxes = torch.cat([box_center - half_size, box_center + half_size], dim=1) - 0.5
    return RawFaces(boxes.numpy(), (landmarks - 0.5).numpy(), rows[:, 4].numpy())
