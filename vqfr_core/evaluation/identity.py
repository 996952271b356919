"""Identity angle (Deg.): how different two faces' identities are to a recognition network. Lower is better.

The papers' Deg. is the angle between embeddings of an ArcFace ResNet18 of grey faces at 128 px. Here the network is
MobileFaceNet, whose weights are available; its angles are not comparable with the papers'.

MobileFaceNet: Chen et al., CCBR 2018. Parameter names and block table are those of the published weights, GitHub
foamliu/MobileFaceNet (Apache-2.0), commit 0a79cb1; rewritten for inference only.
"""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..pipeline.affine import invert_affine, warp_affine
from ..pipeline.align import FFHQ_TEMPLATE, estimate_image_to_crop
from ..weights.read import read_checkpoint

ARCFACE_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where face recognition networks expect the five landmarks in a 112 px crop (Deng et al., ArcFace, CVPR 2019)."""
CROP_PX = 112
_BLOCKS = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Expansion, channels, repeats, stride of the first."""


def _conv(before: int, after: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU6())


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; added to the input where the sizes agree."""

    def __init__(self, before: int, after: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = before * expansion
        widen, each = _conv(before, inner), _conv(inner, inner, 3, stride, groups=inner)
        self.conv = nn.Sequential(widen, each, nn.Conv2d(inner, after, 1, bias=False), nn.BatchNorm2d(after))
        self.is_residual = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.conv(x)
        return x + changed if self.is_residual else changed


class Separable(nn.Module):
    """A 3 x 3 convolution of each channel, then one across channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        filtered: Tensor = self.bn1(self.depthwise(x))
        joined: Tensor = self.bn2(self.pointwise(filtered.relu()))
        return joined.relu()


class WholeMap(nn.Module):
    """One weight for each position and channel: (B, C, 7, 7) -> (B, C, 1, 1)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, CROP_PX // 16, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        weighted: Tensor = self.bn(self.depthwise(x))
        return weighted


class MobileFaceNet(nn.Module):
    """Faces (B, 3, 112, 112), RGB normalised by ImageNet's mean and deviation, to embeddings (B, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _conv(3, 64, 3, stride=2)
        self.dw_conv = Separable(64)
        channels, blocks = 64, []
        for expansion, after, repeats, stride in _BLOCKS:
            for number in range(repeats):
                blocks.append(InvertedResidual(channels, after, stride if number == 0 else 1, expansion))
                channels = after
        self.features = nn.Sequential(*blocks)
        self.conv2 = _conv(channels, 512)
        self.gdconv = WholeMap(512)
        self.conv3 = nn.Conv2d(512, 128, 1)
        self.bn = nn.BatchNorm2d(128)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(self.features(self.dw_conv(self.conv1(x))))  # (B, 512, 7, 7)
        embedding: Tensor = self.bn(self.conv3(self.gdconv(x)))
        return embedding.flatten(1)


class FaceEmbedder:
    """Embeddings of faces by MobileFaceNet."""

    def __init__(self, weights: Path, device: torch.device) -> None:
        self._network = MobileFaceNet().eval().requires_grad_(False).to(device)
        self._network.load_state_dict(read_checkpoint(weights))
        self._device = device

    @torch.inference_mode()
    def __call__(self, image: Tensor, landmarks: np.ndarray | None = None) -> np.ndarray:
        """The embedding, float32 (128,), of the face with these landmarks, (5, 2) as (x, y) in pixels.

        image: RGB in [0, 1], (3, H, W). Without landmarks it must be a face aligned to the FFHQ template at 512 px.
        """
        points = np.array(FFHQ_TEMPLATE) if landmarks is None else landmarks
        image_to_crop = estimate_image_to_crop(points, CROP_PX, ARCFACE_TEMPLATE)
        crop = warp_affine(image, invert_affine(image_to_crop), (CROP_PX, CROP_PX), padding="reflect").cpu()
        mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        embedding: Tensor = self._network(((crop - mean) / std)[None].to(self._device))[0]
        return embedding.float().cpu().numpy()


def angle_deg(first: np.ndarray, second: np.ndarray) -> float:
    """The angle between two vectors in degrees: 0 for the same direction, 90 for unrelated, 180 for opposite."""
    cosine = float(np.dot(first, second) / (np.linalg.norm(first) * np.linalg.norm(second)))
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
