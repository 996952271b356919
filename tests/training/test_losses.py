from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from training.losses import PatchDiscriminator, Perceptual, View, colour_loss, draw_view, hinge_loss, look


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


def test_a_view_is_the_halved_crop_or_a_window() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4)
    corner = torch.tensor([1, 2])
    assert look(image, View(True, corner)).flatten().tolist() == [2.5, 4.5, 10.5, 12.5]
    assert look(image, View(False, corner)).flatten().tolist() == [6.0, 7.0, 10.0, 11.0]


def test_views_vary_and_stay_inside() -> None:
    generator = torch.Generator().manual_seed(0)
    views = [draw_view(generator, 64, torch.device("cpu")) for _ in range(60)]
    assert {view.halved for view in views} == {True, False}
    corners = torch.stack([view.corner for view in views])
    assert corners.min() >= 0 and corners.max() <= 32 and len(corners.unique()) > 20


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
