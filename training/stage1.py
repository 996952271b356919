"""Stage 1: codebook, encoder and texture decoder learn to rebuild sharp faces (VQFR, section 3.2)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .data import Batch
from .losses import Perceptual
from .networks import code_features, decode_texture, entries_of, nearest
from .objective import backward, step
from .recipe import Recipe
from .state import TrainState


def stage1_step(
    state: TrainState, batch: Batch, perceptual: Perceptual, recipe: Recipe, adversarial: bool
) -> dict[str, Tensor]:
    """One optimiser step; returns the figures for the log."""
    with torch.autocast(batch.sharp.device.type, torch.bfloat16, enabled=recipe.bf16):
        z = code_features(state.net, batch.sharp)
    entries, commitment = _quantize_for_training(state, z, recipe)
    with torch.autocast(batch.sharp.device.type, torch.bfloat16, enabled=recipe.bf16):
        image = state.net.decoder.conv_out(decode_texture(state.net, entries)["Level_1"])
    figures = backward(
        state, image.float(), batch.sharp, perceptual, recipe, adversarial, recipe.commitment_weight * commitment
    )
    step(state)
    return {**figures, "commitment": commitment.detach(), "unused_codes": torch.tensor(state.codebook.num_replaced)}


def _quantize_for_training(state: TrainState, z: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Entries for the decoder and the commitment loss; also updates the codebook."""
    net, book = state.net, state.codebook
    tokens = z.detach().permute(0, 2, 3, 1).flatten(0, 2)
    book.remember(tokens)
    if not book.started and state.step >= recipe.unquantized_steps:
        book.start(state.generator)
    if not book.started:
        return z, z.new_zeros(())
    codes = nearest(net, z.detach())
    entries = entries_of(net, codes, z)
    commitment = F.mse_loss(z, entries)
    book.update(tokens, codes.flatten())
    if state.step % recipe.replace_every == 0:
        book.replace_unused(state.generator)
    # The decoder sees the entry; the gradient reaches the encoder as if it had seen the feature.
    return z + (entries - z).detach(), commitment
