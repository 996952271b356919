"""Networks whose features represent an image when sets of images are compared (FID, KID)."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..weights.read import read_checkpoint
from .identity import FaceEmbedder
from .weights import MetricFolder

Describe = Callable[[Tensor], np.ndarray]
"""Maps an image, RGB in [0, 1], (3, 512, 512), to its features, (D,)."""

_ALEXNET_LAYERS = ((0, 4, 2), (3, 1, 2), (6, 1, 1), (8, 1, 1), (10, 1, 1))  # torchvision's number, stride, padding


def open_features(name: str, folder: MetricFolder, device: torch.device) -> Describe:
    """The network of that name, see `FEATURES`. Raises MetricAbsent."""
    return FEATURES[name](folder, device)


def _alexnet(folder: MetricFolder, device: torch.device) -> Describe:
    """Last convolution of ImageNet's AlexNet after the ReLU, averaged over positions, image at 224 px: 256 numbers."""
    weights = {name: tensor.to(device) for name, tensor in read_checkpoint(folder.find("alexnet")).items()}

    @torch.inference_mode()
    def describe(image: Tensor) -> np.ndarray:
        x = F.interpolate(image[None].to(device), size=(224, 224), mode="bilinear", antialias=True)
        mean, std = (x.new_tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
        x = (x - mean) / std
        for number, stride, padding in _ALEXNET_LAYERS:
            if number in (3, 6):
                x = F.max_pool2d(x, 3, 2)
            weight, bias = (weights[f"features.{number}.{part}"] for part in ("weight", "bias"))
            x = F.conv2d(x, weight, bias, stride, padding).relu()
        return x.mean((2, 3))[0].cpu().numpy()

    return describe


def _identity(folder: MetricFolder, device: torch.device) -> Describe:
    """MobileFaceNet's embedding of an aligned face: 128 numbers."""
    return FaceEmbedder(folder.find("mobilefacenet"), device)


def _inception(folder: MetricFolder, device: torch.device) -> Describe:
    """The Inception network of the FID literature as TorchScript: 2,048 numbers. It does its own resizing.

    The file is a program, which is run: the only one here.
    """
    network = torch.jit.load(str(folder.find("inception")), map_location=device).eval()

    @torch.inference_mode()
    def describe(image: Tensor) -> np.ndarray:
        pixels = (image[None] * 255).round().to(device, torch.uint8)
        features: Tensor = network(pixels, return_features=True)[0]
        return features.float().cpu().numpy()

    return describe


FEATURES: dict[str, Callable[[MetricFolder, torch.device], Describe]] = {
    "alexnet": _alexnet,
    "identity": _identity,
    "inception": _inception,
}
