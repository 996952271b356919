"""The identity loss: whether a face recognition network takes the answer for the same person."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqfr_core.evaluation.identity import ARCFACE_TEMPLATE, CROP_PX, MobileFaceNet
from vqfr_core.pipeline.affine import invert_affine
from vqfr_core.pipeline.align import FFHQ_TEMPLATE, estimate_image_to_crop
from vqfr_core.weights.read import read_checkpoint

from .data import TEMPLATE_PX


class Identity(nn.Module):
    """One minus the cosine between the embeddings of two faces by MobileFaceNet: 0 for the same person.

    Both are whole faces at the FFHQ template, cut out where the template has the landmarks. Evaluation measures angles
    by the same network, so a model trained with it is not judged by an independent one.
    """

    grid: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, path: Path) -> None:
        """path: the weights that `vqfr_core evaluate` uses, `mobilefacenet_id.pt`."""
        super().__init__()
        self.network = MobileFaceNet()
        self.network.load_state_dict(read_checkpoint(path))
        crop_to_image = invert_affine(estimate_image_to_crop(np.array(FFHQ_TEMPLATE), CROP_PX, ARCFACE_TEMPLATE))
        steps = torch.arange(CROP_PX, dtype=torch.float64)
        y, x = torch.meshgrid(steps, steps, indexing="ij")
        points = torch.stack([x, y, torch.ones_like(x)], -1) @ torch.as_tensor(crop_to_image, dtype=torch.float64).T
        self.register_buffer("grid", ((points + 0.5) * 2 / TEMPLATE_PX - 1).float()[None])
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def forward(self, answer: Tensor, target: Tensor) -> Tensor:
        """Distance of two batches of faces in [-1, 1] at 512 px, a scalar: the mean over the batch."""
        with torch.no_grad():
            wanted = self._embedding(target)
        return (1 - F.cosine_similarity(self._embedding(answer), wanted)).mean()

    def _embedding(self, image: Tensor) -> Tensor:
        # The crop is several times smaller than the template: halved first, against aliasing.
        small = F.avg_pool2d((image + 1) / 2, 2)
        crop = F.grid_sample(small, self.grid.expand(len(image), -1, -1, -1), align_corners=False)
        embedding: Tensor = self.network((crop - self.mean) / self.std)
        return embedding
