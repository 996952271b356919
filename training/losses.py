"""What the trainer minimises. Images are RGB in [-1, 1], (B, 3, H, W)."""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

# The convolutions of VGG16 up to conv4_3 by torchvision's index; "pool" halves.
VGG_LAYERS = (0, 2, "pool", 5, 7, "pool", 10, 12, 14, "pool", 17, 19, 21)
COMPARED = {2: 0.1, 7: 0.3, 14: 1.0, 21: 1.0}
"""Convolutions whose output is compared, and the weight of each."""


class Perceptual(nn.Module):
    """Mean absolute difference of VGG16 features (before the ReLU), each layer relative to the target's magnitude."""

    mean: Tensor
    std: Tensor

    def __init__(self, path: Path) -> None:
        super().__init__()
        weights = {key: value.float() for key, value in load_file(path).items()}
        self.convs = nn.ModuleDict()
        for index in (layer for layer in VGG_LAYERS if isinstance(layer, int)):
            weight = weights[f"features.{index}.weight"]
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            conv.load_state_dict({"weight": weight, "bias": weights[f"features.{index}.bias"]})
            self.convs[str(index)] = conv
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval().to(memory_format=torch.channels_last)

    def forward(self, answer: Tensor, target: Tensor) -> Tensor:
        """Distance of two batches, a scalar."""
        with torch.no_grad():
            wanted = self._features(target)
        total = answer.new_zeros(())
        for (layer, weight), feature, want in zip(COMPARED.items(), self._features(answer), wanted, strict=True):
            want = want.float()
            total = total + weight * (feature.float() - want).abs().mean() / want.abs().mean()
            del layer
        return total

    def _features(self, image: Tensor) -> list[Tensor]:
        x = ((image + 1) / 2 - self.mean) / self.std
        found = []
        for layer in VGG_LAYERS:
            if isinstance(layer, str):
                x = F.max_pool2d(x, 2)
                continue
            x = self.convs[str(layer)](x)
            if layer in COMPARED:
                found.append(x)
            x = F.relu(x)
        return found


def half_size(image: Tensor) -> Tensor:
    return F.avg_pool2d(image, 2)


def two_scales(perceptual: Perceptual, answer: Tensor, target: Tensor, generator: torch.Generator) -> Tensor:
    """Perceptual distance either of the halved crop or, for the same price, of a random quarter at full resolution."""
    if torch.rand((), generator=generator) < 0.6:
        return perceptual(half_size(answer), half_size(target))
    size = answer.shape[-1] // 2
    top, left = (int(torch.randint(0, size + 1, (), generator=generator)) for _ in range(2))
    window = (..., slice(top, top + size), slice(left, left + size))
    return perceptual(answer[window], target[window])


def colour_loss(answer: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of strongly blurred images: colour and brightness without detail."""
    return (F.avg_pool2d(answer, 16) - F.avg_pool2d(target, 16)).abs().mean()


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
        return self.layers(image)


def hinge_loss(real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimises."""
    return F.relu(1 - real.float()).mean() + F.relu(1 + fake.float()).mean()


def fooling_loss(fake: Tensor) -> Tensor:
    """What the generator minimises."""
    return -fake.float().mean()
