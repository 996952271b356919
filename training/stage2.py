"""Stage 2: restoration with codebook and texture decoder fixed (VQFR, section 3.3).

The encoder learns to find the sharp face's codes in the degraded one; the main decoder learns to warp the texture onto
the input. No gradient flows from the second to the first: the texture feature is data for the main decoder.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .data import Batch
from .losses import Perceptual, fooling_loss, hinge_loss
from .recipe import Recipe
from .stage1 import reconstruction_losses
from .state import TrainState, nearest_code_of, update_average


def stage2_step(
    state: TrainState, batch: Batch, perceptual: Perceptual, recipe: Recipe, adversarial: bool
) -> dict[str, float]:
    """One optimiser step of encoder and main decoder; returns the figures for the log."""
    net = state.net
    z, parts = code_losses(state, batch, recipe)
    textures = frozen_textures(state, z, recipe)
    image = net.main_decoder(textures, net.inpfeat_extraction(batch.degraded), batch.degraded)
    parts |= reconstruction_losses(image, batch.sharp, perceptual, state.generator, recipe)
    if adversarial:
        parts["discriminator"] = _train_discriminator(state, batch.sharp, image.detach())
        parts["adversarial"] = fooling_loss(state.discriminator(image))
    state.optimizer.zero_grad(set_to_none=True)
    recipe.weigh(parts).backward()
    for group in state.optimizer.param_groups:
        torch.nn.utils.clip_grad_norm_(group["params"], 2.0)
    state.optimizer.step()
    update_average(state)
    return {name: float(value.detach()) for name, value in parts.items()}


def code_losses(state: TrainState, batch: Batch, recipe: Recipe) -> tuple[Tensor, dict[str, Tensor]]:
    """The degraded face's features z (B, D, h, w), and how far they are from the sharp face's code entries."""
    code = nearest_code_of(state.net)
    with torch.no_grad(), torch.autocast(batch.sharp.device.type, torch.bfloat16, enabled=recipe.bf16):
        wanted = nearest_code_of(state.teacher).quant_conv(state.teacher.encoder(batch.sharp)).float()
    codes = code.nearest(wanted)
    entries = code.lookup(codes, *wanted.shape[-2:])
    z = code.quant_conv(state.net.encoder(batch.degraded))
    right = (code.nearest(z.detach()) == codes).float().mean()
    # Relative to the spread of the entries: the scale of the codebook is arbitrary.
    distance = F.mse_loss(z, entries) / code.embedding.weight.var().clamp(min=1e-6)
    return z, {"codes": distance, "right_codes": right}


@torch.no_grad()
def frozen_textures(state: TrainState, z: Tensor, recipe: Recipe) -> dict[str, Tensor]:
    """Texture features of the codes nearest to z, float32, without gradient."""
    code = nearest_code_of(state.net)
    entries = code.lookup(code.nearest(z), *z.shape[-2:])
    with torch.autocast(z.device.type, torch.bfloat16, enabled=recipe.bf16):
        textures = state.net.decoder(code.post_quant_conv(entries))
    return {name: texture.float() for name, texture in textures.items()}


def _train_discriminator(state: TrainState, sharp: Tensor, image: Tensor) -> Tensor:
    loss = hinge_loss(state.discriminator(sharp), state.discriminator(image))
    state.discriminator_optimizer.zero_grad(set_to_none=True)
    loss.backward()
    state.discriminator_optimizer.step()
    return loss.detach()
