"""Stage 1: codebook, encoder and texture decoder learn to rebuild sharp faces (VQFR, section 3.2)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .data import Batch
from .losses import Perceptual, colour_loss, two_scales
from .recipe import Recipe
from .state import TrainState, nearest_code_of


def stage1_step(state: TrainState, batch: Batch, perceptual: Perceptual, recipe: Recipe) -> dict[str, float]:
    """One optimiser step; returns the figures for the log."""
    features, commitment = _quantize_for_training(state, state.net.encoder(batch.sharp), recipe)
    textures = state.net.decoder(features)
    image = state.net.decoder.conv_out(textures["Level_1"])
    parts = reconstruction_losses(image, batch.sharp, perceptual, state.generator, recipe)
    loss = recipe.weigh(parts) + recipe.commitment_weight * commitment
    state.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(state.optimizer.param_groups[0]["params"], 2.0)
    state.optimizer.step()
    return {name: float(value.detach()) for name, value in {**parts, "commitment": commitment}.items()}


def reconstruction_losses(
    image: Tensor, target: Tensor, perceptual: Perceptual, generator: torch.Generator, recipe: Recipe
) -> dict[str, Tensor]:
    """What both stages ask of an image: pixels, features and colour."""
    with torch.autocast(image.device.type, torch.bfloat16, enabled=recipe.bf16):
        distance = two_scales(perceptual, image, target, generator)
    return {"l1": F.l1_loss(image, target), "perceptual": distance, "colour": colour_loss(image, target)}


def _quantize_for_training(state: TrainState, feature: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Features for the decoder and the commitment loss; keeps the codebook up to date on the way."""
    code, book = nearest_code_of(state.net), state.codebook
    z = code.quant_conv(feature)
    tokens = z.detach().permute(0, 2, 3, 1).flatten(0, 2)
    book.remember(tokens)
    if not book.started and state.step >= recipe.unquantized_steps:
        book.start(state.generator)
    if not book.started:
        return code.post_quant_conv(z), z.new_zeros(())
    codes = code.nearest(z)
    entries = code.lookup(codes, *z.shape[-2:]).detach()
    # The decoder sees the entry; the gradient passes to the encoder as if it had seen the feature.
    quantized = code.post_quant_conv(z + (entries - z).detach())
    commitment = F.mse_loss(z, entries)
    book.update(tokens, codes.flatten())
    if state.step % recipe.replace_every == 0:
        book.replace_unused(state.generator)
    return quantized, commitment
