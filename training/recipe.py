"""The hyperparameters of a run."""

import math
from dataclasses import dataclass, fields

from torch import Tensor

from .data import TEMPLATE_PX


@dataclass(frozen=True)
class Recipe:
    """Settings of both stages. Every field is a command-line option of the same name."""

    levels: int = 6
    """Of a new network: it has a code for each patch of 2^(levels - 1) px, so 5 for patches of 16 px."""
    stage1_minutes: float = 20.0
    """Wall-clock time for codebook, encoder and texture decoder."""
    stage2_minutes: float = 60.0
    """Wall-clock time for restoration."""
    stage1_crop_px: int = 192
    """Side of the square crops of stage 1, a multiple of 32 and of the patch."""
    stage2_crop_px: int = 192
    """The same in stage 2."""
    stage1_batch: int = 2
    """Crops per step in stage 1."""
    stage2_batch: int = 2
    """Crops per step in stage 2."""
    stage1_learning_rate: float = 2.5e-4
    """Peak learning rate of stage 1, after warm-up."""
    stage2_learning_rate: float = 5e-4
    """The same in stage 2."""
    warmup_steps: int = 60
    """Steps until the peak rate, in each stage."""
    unquantized_steps: int = 300
    """Steps before the codebook starts."""
    replace_every: int = 100
    """Steps between replacements of unused codes."""
    commitment_weight: float = 0.25
    """Weight of the distance between feature and code in stage 1."""
    l1_weight: float = 1.0
    """Weight of the mean absolute error."""
    perceptual_weight: float = 1.0
    """Weight of LPIPS with VGG16."""
    colour_weight: float = 1.0
    """Weight of the error of strongly blurred images."""
    codes_weight: float = 0.5
    """Weight of the distance to the sharp face's codes in stage 2."""
    choice_weight: float = 0.1
    """Weight of the cross-entropy of choosing the sharp face's codes in stage 2."""
    identity_weight: float = 0.3
    """Weight of the identity loss on whole faces, if its network is given."""
    whole_faces_from: float = 0.7
    """Fraction of each stage after which its crops are whole faces, and fewer in proportion to their size."""
    adversarial_weight: float = 0.03
    """Norm of the discriminator's gradient at the image relative to that of the other losses; 0 disables it."""
    adversarial_from: float = 0.8
    """Fraction of each stage after which the discriminator joins."""
    bf16: bool = True
    """Networks run in bfloat16 where that is safe; weights stay float32."""
    seed: int = 1
    """Seed of weights, data and random choices."""

    def phases(self, stage: int) -> list[tuple[float, int, int]]:
        """For one stage: up to which fraction of it crops have which side in pixels, and how many per step."""
        crop_px, batch = (
            (self.stage1_crop_px, self.stage1_batch) if stage == 1 else (self.stage2_crop_px, self.stage2_batch)
        )
        whole = max(1, batch * crop_px**2 // TEMPLATE_PX**2)
        return [(self.whole_faces_from, crop_px, batch), (1.0, TEMPLATE_PX, whole)]

    def weigh(self, parts: dict[str, Tensor]) -> Tensor:
        """Weighted sum of the losses that have a weight."""
        weights = {field.name.removesuffix("_weight"): getattr(self, field.name) for field in fields(self)}
        terms: list[Tensor] = [weights[name] * value for name, value in parts.items() if name in weights]
        return sum(terms[1:], terms[0])

    def rate(self, stage: int, step: int, progress: float) -> float:
        """Learning rate: linear warm-up by steps, then flat, then a cosine tail by wall-clock progress in [0, 1]."""
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        tail = min(1.0, max(0.0, (progress - 0.4) / 0.6))
        highest = self.stage1_learning_rate if stage == 1 else self.stage2_learning_rate
        return highest * warm * (0.03 + 0.97 * (1 + math.cos(math.pi * tail)) / 2)
