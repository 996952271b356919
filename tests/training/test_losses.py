from pathlib import Path

import pytest
import torch

from training.evaluate import FaceResult, summarise
from training.losses import PatchDiscriminator, Perceptual, colour_loss, hinge_loss, two_scales


def test_perceptual_is_zero_for_equals_and_grows(vgg_file: Path) -> None:
    perceptual = Perceptual(vgg_file)
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    assert perceptual(image, image) == 0
    near, far = (perceptual((image + step * torch.randn_like(image)), image) for step in (0.05, 0.5))
    assert 0 < near < far


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


def test_discriminator_and_hinge() -> None:
    assert PatchDiscriminator(8)(torch.rand(2, 3, 64, 64)).shape == (2, 1, 8, 8)
    assert hinge_loss(torch.tensor([2.0]), torch.tensor([-2.0])) == 0
    assert hinge_loss(torch.tensor([0.0]), torch.tensor([0.5])) == 2.5


def test_summary_counts_wins() -> None:
    rows = [
        FaceResult("a", "light", 0.5, 0.4, 0.6, 25.0, 26.0, 17.0),
        FaceResult("b", "light", 0.3, 0.4, 0.6, 27.0, 27.0, 17.0),
    ]
    row = summarise(rows)["light"]
    assert row["input_lpips"] == pytest.approx(0.4) and row["answer_psnr"] == pytest.approx(26.5)
    assert (row["lpips_wins"], row["psnr_wins"], row["faces"]) == (1, 2, 2)
