"""The training losses. Images are RGB in [-1, 1], (B, 3, H, W)."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import VGG16_Weights

from vqfr_core.weights.read import read_checkpoint

from .identity import Identity

# The convolutions of VGG16 up to conv4_3 by torchvision's index; "pool" halves.
VGG_LAYERS = (0, 2, "pool", 5, 7, "pool", 10, 12, 14, "pool", 17, 19, 21)
COMPARED = (2, 7, 14, 21)
"""Convolutions whose output, after the ReLU, LPIPS compares. The fifth of VGG16, conv5_3, is left out."""


class Perceptual(nn.Module):
    """LPIPS 0.1 (Zhang et al., CVPR 2018) with the first four of VGG16's five stages and the heads of package `lpips`.

    Evaluation uses AlexNet, so that no model is judged by the network it was trained against.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, path: Path | None = None) -> None:
        """path: safetensors with the convolutions by torchvision's names; without it torchvision downloads VGG16."""
        super().__init__()
        found = load_file(path) if path else VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
        weights = {key: value.float() for key, value in found.items()}
        self.convs = nn.ModuleDict()
        for index in (layer for layer in VGG_LAYERS if isinstance(layer, int)):
            weight = weights[f"features.{index}.weight"]
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            conv.load_state_dict({"weight": weight, "bias": weights[f"features.{index}.bias"]})
            self.convs[str(index)] = conv
        self.heads = nn.ParameterList(_lpips_heads()[: len(COMPARED)])
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def forward(self, answer: Tensor, target: Tensor) -> Tensor:
        """Distance of two batches, a scalar: the mean over the batch."""
        with torch.no_grad():
            wanted = self._directions(target)
        total = answer.new_zeros(())
        for head, found, want in zip(self.heads, self._directions(answer), wanted, strict=True):
            total = total + F.conv2d((found - want).square(), head).float().mean()
        return total

    def _directions(self, image: Tensor) -> list[Tensor]:
        """Features of the compared layers, each position scaled to length 1."""
        x = ((image + 1) / 2 - self.mean) / self.std
        found = []
        for layer in VGG_LAYERS:
            if isinstance(layer, str):
                x = F.max_pool2d(x, 2)
                continue
            x = F.relu(self.convs[str(layer)](x))
            if layer in COMPARED:
                length = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32)
                found.append(x * (1 / (length + 1e-3)).to(x.dtype))
        return found


def _lpips_heads() -> list[Tensor]:
    """Weights (1, C, 1, 1) of LPIPS for VGG16's five stages, from the files of the package."""
    path = resources.files("lpips") / "weights/v0.1/vgg.pth"
    with resources.as_file(path) as file:
        weights = read_checkpoint(file)
    return [weights[f"lin{stage}.model.1.weight"] for stage in range(5)]


def half_size(image: Tensor) -> Tensor:
    return F.avg_pool2d(image, 2)


class View(NamedTuple):
    """How one step looks at its crops: halved or, at the same cost, through a window at full resolution."""

    halved: bool
    corner: Tensor
    """Top and left of the window, int64 (2,)."""


def draw_view(generator: torch.Generator, crop_px: int, device: torch.device) -> View:
    """Halved or not, with equal chances, and a window half as wide as the crop."""
    halved = bool(torch.rand((), generator=generator) < 0.5)
    return View(halved, torch.randint(0, crop_px // 2 + 1, (2,), generator=generator).to(device, non_blocking=True))


def look(image: Tensor, view: View) -> Tensor:
    """(B, 3, H, H) -> (B, 3, H / 2, H / 2)."""
    if view.halved:
        return half_size(image)
    side = torch.arange(image.shape[-1] // 2, device=image.device)
    return image.index_select(2, view.corner[0] + side).index_select(3, view.corner[1] + side)


def colour_loss(answer: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of strongly blurred images: brightness, and three times the hue, without detail.

    Faces differ far more in brightness than in hue; without its own weight, hue is learned last.
    """
    difference = F.avg_pool2d(answer, 16) - F.avg_pool2d(target, 16)
    brightness = difference.mean(1, keepdim=True)
    return brightness.abs().mean() + 3 * (difference - brightness).abs().mean()


@dataclass(frozen=True)
class Judges:
    """The networks that judge an image; they are not trained."""

    perceptual: Perceptual
    identity: Identity | None = None


class PatchDiscriminator(nn.Module):
    """Judges overlapping patches of about 46 px: image (B, 3, H, W) -> logits (B, 1, H / 8, W / 8)."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        normed = nn.utils.parametrizations.spectral_norm
        widths = (channels, channels * 2, channels * 4)
        layers: list[nn.Module] = []
        for before, width in zip((3, *widths), widths, strict=False):
            layers += [normed(nn.Conv2d(before, width, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        layers += [normed(nn.Conv2d(widths[-1], widths[-1], 3, padding=1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.layers(image)
        return logits


def hinge_loss(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's loss."""
    return F.relu(1 - real.float()).mean() + F.relu(1 + fake.float()).mean()


def fooling_loss(fake: Tensor) -> Tensor:
    """The generator's adversarial loss."""
    return -fake.float().mean()
