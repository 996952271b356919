"""Stage 1: codebook, encoder and texture decoder learn to rebuild sharp faces (VQFR, section 3.2)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .data import Batch
from .losses import Judges, View
from .networks import code_features, decode_texture, entries_of, nearest
from .objective import backward, step
from .recipe import Recipe
from .state import TrainState


def stage1_step(
    state: TrainState, batch: Batch, view: View, judges: Judges, recipe: Recipe, adversarial: bool
) -> dict[str, Tensor]:
    """One optimiser step; returns the figures for the log, and what `update_codebook` needs."""
    with torch.autocast(batch.sharp.device.type, torch.bfloat16, enabled=recipe.bf16):
        z = code_features(state.net, batch.sharp)
    tokens = z.detach().permute(0, 2, 3, 1).flatten(0, 2)
    found = {"tokens": tokens}
    entries, commitment = z, z.new_zeros(())
    if state.codebook.started:
        codes = nearest(state.net, z.detach())
        chosen = entries_of(state.net, codes, z)
        commitment = F.mse_loss(z, chosen)
        # The decoder sees the entry; the gradient reaches the encoder as if it had seen the feature.
        entries = z + (chosen - z).detach()
        found["codes"] = codes.flatten()
    with torch.autocast(batch.sharp.device.type, torch.bfloat16, enabled=recipe.bf16):
        image = state.net.decoder.conv_out(decode_texture(state.net, entries)["Level_1"])
    figures = backward(
        state, image.float(), batch.sharp, view, judges, recipe, adversarial, recipe.commitment_weight * commitment
    )
    step(state)
    return {**figures, "commitment": commitment.detach(), **found}


def update_codebook(state: TrainState, recipe: Recipe, found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Move the codebook towards the features of a step of `stage1_step`; returns the figures for the log alone."""
    book = state.codebook
    tokens, codes = found.pop("tokens"), found.pop("codes", None)
    book.remember(tokens)
    if codes is not None:
        book.update(tokens, codes)
        if book.num_updates >= recipe.replace_every:
            book.replace_unused(state.generator)
    elif state.step >= recipe.unquantized_steps:
        book.start(state.generator)
    return {**found, "unused_codes": torch.tensor(book.num_replaced)}
