"""RetinaFace as a face detector: facexlib's networks, and what their raw outputs mean.

Paper: "RetinaFace: Single-Shot Multi-Level Face Localisation in the Wild" (CVPR 2020). Anchor sizes, variances and
channel means are those the published weights were trained with.
"""

import warnings
from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor, nn

from ..errors import VqfrError
from ..types import Box
from .base import Detector, RawFaces

_MEAN_BGR = (104.0, 117.0, 123.0)
_ANCHORS_PX = {8: (16, 32), 16: (64, 128), 32: (256, 512)}  # step: anchor sizes
_CENTER_VARIANCE, _SIZE_VARIANCE = 0.1, 0.2


def build_resnet50(state: Mapping[str, Tensor]) -> Detector:
    """RetinaFace ResNet50, without weights."""
    return RetinaFaceDetector(_build("resnet50"), "retinaface_resnet50", "RetinaFace ResNet50")


def build_mobilenet(state: Mapping[str, Tensor]) -> Detector:
    """RetinaFace mobile0.25, without weights."""
    return RetinaFaceDetector(_build("mobile0.25"), "retinaface_mobile0.25", "RetinaFace mobile0.25")


class RetinaFaceDetector(Detector):
    """Most confident and accurate for faces of 100 to 200 px; its largest anchors give inaccurate and false boxes."""

    stride_px = 32
    fill = (_MEAN_BGR[2] / 255, _MEAN_BGR[1] / 255, _MEAN_BGR[0] / 255)
    typical_box = Box(121.5, 103.0, 388.5, 461.5)  # mean over synthetic portraits
    min_view_px = 320
    max_face_px = 400
    look_px = 320  # such a crop shows a face about 130 px wide

    def find(self, pictures: Tensor, min_score: float) -> list[RawFaces]:
        device = self.device
        with torch.inference_mode():
            mean = torch.tensor(self.fill, device=device).view(1, 3, 1, 1)
            inputs = ((pictures.to(device, torch.float32) - mean) * 255).flip(1)
            inputs = inputs.contiguous(memory_format=torch.channels_last)  # twice as fast on CPUs
            outputs = self.module(inputs)
            # One transfer for all three; the few likely ones are decoded on the CPU.
            boxes, probabilities, landmarks = (output.float() for output in outputs)
            packed = torch.cat([boxes, probabilities[..., 1:], landmarks], dim=2)
            if not bool(torch.isfinite(packed).all()):
                raise VqfrError(f"the face detector {self.name} gave non-finite numbers; try the CPU device")
            likely = packed[..., 4] >= min_score
            anchors = _anchors(pictures.shape[-2], pictures.shape[-1])
            return [_decode(rows[keep].cpu(), anchors[keep.cpu()]) for rows, keep in zip(packed, likely, strict=True)]


def _build(network_name: str) -> nn.Module:
    from facexlib.detection.retinaface import RetinaFace

    with warnings.catch_warnings():  # facexlib uses an old torchvision signature for a network without weights
        warnings.simplefilter("ignore", UserWarning)
        network: nn.Module = RetinaFace(network_name=network_name, device=torch.device("meta"))
        return network


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
    # The network measures from the picture's outer edge (its training mirrors x to width - x), we from pixel centres.
    boxes = torch.cat([box_center - half_size, box_center + half_size], dim=1) - 0.5
    return RawFaces(boxes.numpy(), (landmarks - 0.5).numpy(), rows[:, 4].numpy())
