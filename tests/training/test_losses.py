from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from training.losses import PatchDiscriminator, Perceptual, colour_loss, hinge_loss, two_scales


def test_perceptual_is_zero_for_equals_and_grows(vgg_file: Path) -> None:
    perceptual = Perceptual(vgg_file)
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    assert perceptual(image, image) == 0
    assert len(perceptual.heads) == 4 and all((head >= 0).all() for head in perceptual.heads)
    near, far = (perceptual((image + step * torch.randn_like(image)), image) for step in (0.05, 0.5))
    assert 0 < near < far


def test_without_a_file_torchvision_gives_the_convolutions(vgg_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def get_state_dict(**settings: bool) -> dict[str, torch.Tensor]:
        asked.update(settings)
        return {**load_file(vgg_file), "classifier.0.weight": torch.zeros(1)}

    kind = SimpleNamespace(IMAGENET1K_V1=SimpleNamespace(get_state_dict=get_state_dict))
    monkeypatch.setattr("training.losses.VGG16_Weights", kind)
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    assert torch.equal(Perceptual()(image, -image), Perceptual(vgg_file)(image, -image)) and asked["check_hash"]


def test_two_scales_gives_a_gradient_at_both(vgg_file: Path) -> None:
    perceptual, generator = Perceptual(vgg_file), torch.Generator().manual_seed(0)
    covered = set()
    for _ in range(8):
        answer = torch.zeros(1, 3, 32, 32, requires_grad=True)
        two_scales(perceptual, answer, torch.ones(1, 3, 32, 32), generator).backward()
        covered.add(int((answer.grad != 0).any(1).sum()) > 16 * 16)
    assert covered == {True, False}


def test_colour_loss_ignores_detail() -> None:
    board = (torch.arange(32)[:, None] + torch.arange(32)) % 2 * 2.0 - 1
    assert colour_loss(board.expand(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)) == 0
    assert colour_loss(torch.full((1, 3, 32, 32), 0.5), torch.zeros(1, 3, 32, 32)) == 0.5
    green = torch.tensor([0.0, 0.3, 0.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    assert colour_loss(green, torch.zeros(1, 3, 32, 32)) == pytest.approx(0.1 + 3 * (0.1 + 0.2 + 0.1) / 3)


def test_discriminator_and_hinge() -> None:
    assert PatchDiscriminator(8)(torch.rand(2, 3, 64, 64)).shape == (2, 1, 8, 8)
    assert hinge_loss(torch.tensor([2.0]), torch.tensor([-2.0])) == 0
    assert hinge_loss(torch.tensor([0.0]), torch.tensor([0.5])) == 2.5
