"""The gradient that the losses of an image bring to the network."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from training.losses import Judges, Perceptual, View, colour_loss, look
from training.objective import backward
from training.recipe import Recipe
from training.state import new_state
from vqfr_core.networks.vqfr import V1Config

TINY = V1Config(channels=(32,) * 6, encoder_blocks=1, decoder_blocks=1, num_codes=16, code_channels=8, deform_groups=1)


@pytest.mark.parametrize("adversarial", [False, True])
@pytest.mark.parametrize("halved", [False, True])
def test_the_gradient_is_that_of_the_weighted_losses(vgg_file: Path, adversarial: bool, halved: bool) -> None:
    recipe, perceptual = Recipe(bf16=False, adversarial_weight=0.5), Perceptual(vgg_file)
    state = new_state(TINY, 0, torch.device("cpu"))
    image, target = (torch.rand(1, 3, 64, 64, requires_grad=True) for _ in range(2))
    beside = torch.tensor(2.0, requires_grad=True)
    view = View(halved, torch.tensor([5, 20]))
    figures = backward(state, image * 1.0, target.detach(), view, Judges(perceptual), recipe, adversarial, 3 * beside)
    parts = {"l1": F.l1_loss(image, target), "colour": colour_loss(image, target)}
    parts["perceptual"] = perceptual(look(image, view), look(target, view))
    (expected,) = torch.autograd.grad(recipe.weigh(parts), image)
    assert beside.grad == 3 and image.grad is not None
    if not adversarial:
        assert torch.allclose(image.grad, expected, atol=1e-7)
        return
    assert (image.grad - expected).norm() == pytest.approx(0.5 * float(expected.norm()), rel=1e-3)
    assert {"discriminator", "adversarial"} <= set(figures)
