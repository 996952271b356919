"""LPIPS: how different two images look to an image classifier. Lower is better.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018, version 0.1.
"""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from ..extras import how_to_install
from ..weights.read import read_checkpoint
from .weights import MetricAbsent

INSTALL = how_to_install("evaluate", '"lpips>=0.1.4"')


class Lpips(nn.Module):
    """LPIPS of two images: convolutions from a file, linear heads and formula from the package `lpips`."""

    def __init__(self, backbone: Path, kind: str = "alex") -> None:
        """backbone: state dict with torchvision's names. kind: alex (usual for comparisons) or vgg (VQFR's paper).

        Raises MetricAbsent when the package is missing.
        """
        super().__init__()
        try:
            import lpips
        except ImportError as error:
            raise MetricAbsent(f"needs the package lpips ({error}): {INSTALL}") from error
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            self.metric = lpips.LPIPS(net=kind, pnet_rand=True, verbose=False)
        weights = read_checkpoint(backbone)
        own = self.metric.net.state_dict()
        for key in own:
            _, layer, part = key.split(".")
            own[key] = weights[f"features.{layer}.{part}"]
        self.metric.net.load_state_dict(own)
        self.requires_grad_(False).eval()

    @torch.inference_mode()
    def forward(self, image: Tensor, original: Tensor) -> float:
        """The distance, 0 for equal images. image, original: RGB in [0, 1], (3, H, W)."""
        device = next(self.parameters()).device
        return float(self.metric(*((x[None].to(device) * 2 - 1) for x in (image, original))))
