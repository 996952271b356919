"""Stage 2: restoration with codebook and texture decoder fixed (VQFR, section 3.3).

The encoder learns to find the sharp face's codes in the degraded one; the main decoder learns to warp the texture onto
the input. No gradient flows from the second to the first: the texture feature is plain input for the main decoder.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .data import Batch
from .losses import Judges, View
from .networks import answer, code_features, code_table, decode_texture, distances, entries_of, nearest
from .objective import backward, step
from .recipe import Recipe
from .state import TrainState

CHOICE_TEMPERATURE = 0.1
"""Difference of squared distances, relative to the spread of the entries, that makes one entry e times as likely."""


def stage2_step(
    state: TrainState, batch: Batch, view: View, judges: Judges, recipe: Recipe, adversarial: bool
) -> dict[str, Tensor]:
    """One optimiser step of encoder and main decoder; returns the figures for the log."""
    z, beside, codes = code_losses(state, batch, recipe)
    textures = frozen_textures(state, z, recipe)
    with torch.autocast(z.device.type, torch.bfloat16, enabled=recipe.bf16):
        image = answer(state.net, textures, batch.degraded)
    figures = backward(state, image.float(), batch.sharp, view, judges, recipe, adversarial, beside)
    step(state)
    return {**figures, **codes}


def code_losses(state: TrainState, batch: Batch, recipe: Recipe) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """The degraded face's features (B, D, h, w), their loss, and figures for the log.

    The loss is the distance to the sharp face's entries and, since the nearest entry is what counts, the cross-entropy
    of choosing it, with the negative squared distances as logits.
    """
    net = state.net
    with torch.autocast(batch.sharp.device.type, torch.bfloat16, enabled=recipe.bf16):
        with torch.no_grad():
            wanted = code_features(state.teacher, batch.sharp)
        z = code_features(net, batch.degraded)
    codes = nearest(net, wanted)
    right = (nearest(net, z.detach()) == codes).float().mean()
    # Relative to the spread of the entries: the scale of the codebook is arbitrary.
    spread = code_table(net).var().clamp(min=1e-6)
    distance = F.mse_loss(z, entries_of(net, codes, z)) / spread
    logits = -distances(net, z) / (z.shape[1] * spread * CHOICE_TEMPERATURE)
    choice = F.cross_entropy(logits.flatten(0, 1), codes.flatten())
    loss = recipe.codes_weight * distance + recipe.choice_weight * choice
    return z, loss, {"codes": distance.detach(), "choice": choice.detach(), "right_codes": right}


@torch.no_grad()
def frozen_textures(state: TrainState, z: Tensor, recipe: Recipe) -> dict[str, Tensor]:
    """Texture features of the codes nearest to z, without gradient.

    On the CPU in float32, so that the deformable convolutions sample in float32, where their backward pass is five
    times as fast as in bfloat16.
    """
    entries = entries_of(state.net, nearest(state.net, z), z)
    with torch.autocast(z.device.type, torch.bfloat16, enabled=recipe.bf16):
        textures = decode_texture(state.net, entries)
    return {name: texture.float() if texture.is_cpu else texture for name, texture in textures.items()}
