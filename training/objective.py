"""The objective of both stages: pixels, features and colour of the sharp face, and, later, looking real."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .data import TEMPLATE_PX
from .distributed import average_gradients
from .losses import Judges, View, colour_loss, fooling_loss, hinge_loss, look
from .recipe import Recipe
from .state import TrainState


def backward(
    state: TrainState,
    image: Tensor,
    target: Tensor,
    view: View,
    judges: Judges,
    recipe: Recipe,
    adversarial: bool,
    beside: Tensor,
) -> dict[str, Tensor]:
    """Backpropagate all losses of `image` (B, 3, H, W), and the additional loss `beside`, to the network.

    With `adversarial` the discriminator takes a step too. Its loss is scaled relative to the others: the norms of the
    two gradients at the image are as `adversarial_weight` to 1 (the adaptive weight of VQGAN, Esser et al., CVPR 2021,
    section 3.1, taken at the image). Returns the figures for the log, still on the device: reading each would force a
    sync.
    """
    leaf = image.detach().requires_grad_()
    parts = {"l1": F.l1_loss(leaf, target), "colour": colour_loss(leaf, target)}
    with torch.autocast(image.device.type, torch.bfloat16, enabled=recipe.bf16):
        parts["perceptual"] = judges.perceptual(look(leaf, view), look(target, view))
    if judges.identity is not None and leaf.shape[-1] == TEMPLATE_PX:
        parts["identity"] = judges.identity(leaf, target)
    (gradient,) = torch.autograd.grad(recipe.weigh(parts), leaf)
    if adversarial:
        parts["discriminator"] = _train_discriminator(state, target, leaf.detach(), recipe)
        with torch.autocast(image.device.type, torch.bfloat16, enabled=recipe.bf16):
            parts["adversarial"] = fooling_loss(state.discriminator(leaf))
        (verdict,) = torch.autograd.grad(parts["adversarial"], leaf)
        balance = (gradient.norm() / (verdict.norm() + 1e-12)).clamp(max=1e3)
        gradient = gradient + recipe.adversarial_weight * balance * verdict
    state.optimizer.zero_grad(set_to_none=True)
    own = [beside] if beside.requires_grad else []
    torch.autograd.backward([image, *own], [gradient, *map(torch.ones_like, own)])
    return {name: value.detach() for name, value in parts.items()}


def step(state: TrainState) -> None:
    """One step of the optimiser with the gradients of all processes."""
    for group in state.optimizer.param_groups:
        average_gradients(group["params"])
        torch.nn.utils.clip_grad_norm_(group["params"], 2.0)
    state.optimizer.step()


def _train_discriminator(state: TrainState, sharp: Tensor, image: Tensor, recipe: Recipe) -> Tensor:
    with torch.autocast(image.device.type, torch.bfloat16, enabled=recipe.bf16):
        loss = hinge_loss(state.discriminator(sharp), state.discriminator(image))
    state.discriminator_optimizer.zero_grad(set_to_none=True)
    loss.backward()
    average_gradients(state.discriminator.parameters())
    state.discriminator_optimizer.step()
    return loss.detach()
