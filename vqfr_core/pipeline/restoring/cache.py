"""Faces on which the network's work is done but for what fidelity decides, so that another fidelity costs little."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import InputError
from ...networks.vqfr import Features, Network, VqfrV2
from ...types import FaceCrop, RestoredFace
from .restore import restore_faces


@dataclass(frozen=True, eq=False)
class KeptFace:
    """What the network made of a face. All tensors are on the CPU."""

    crop: FaceCrop
    """The crop the network was given."""
    features: Features | None
    """What a VQFR v2 head needs for any fidelity, (1, C, 512, 512) each, in the network's dtype."""
    image: Tensor | None
    """The restored face (3, 512, 512) in [0, 1] of a network without fidelity."""

    @property
    def num_bytes(self) -> int:
        tensors = [self.crop.image, self.image, *(self.features or ())]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors if tensor is not None)


def keep_face(crop: FaceCrop, network: Network) -> KeptFace:
    """Run the network on a face up to its head; of a v1 network, all of it.

    A v1 network raises OutOfMemoryError and RestorationError like `restore_faces`; a v2 network leaves that to
    `develop_face`.
    """
    if not isinstance(network, VqfrV2):
        (face,) = restore_faces([crop], network)
        return KeptFace(crop, None, face.image)
    x = crop.image[None].to(network.device) * 2 - 1
    try:
        with torch.inference_mode():
            features = network.features(x).to("cpu")
    except RuntimeError:  # too little memory for both branches, or worse: `develop_face` will see, and say so
        return KeptFace(crop, None, None)
    return KeptFace(crop, features, None)


def develop_face(kept: KeptFace, network: Network, fidelity: float) -> RestoredFace:
    """The restored face at a fidelity in [0, 1], the same as `restore_faces` gives; from the same network.

    Where the features could not be kept, or give no finite image, the face goes through the whole network. Raises
    InputError for a fidelity out of range, else as `restore_faces`.
    """
    if not 0 <= fidelity <= 1:
        raise InputError("fidelity has to lie in 0 to 1: 0 is the most realistic, 1 closest to the input")
    if kept.image is not None:
        return RestoredFace(kept.crop, kept.image)
    if kept.features is not None and isinstance(network, VqfrV2):
        with torch.inference_mode():
            answer = network.head(kept.features.to(network.device), fidelity)[0].float().cpu()
        if answer.isfinite().all():
            return RestoredFace(kept.crop, answer.clamp(-1, 1).add_(1).div_(2))
    (face,) = restore_faces([kept.crop], network, fidelity=fidelity)
    return face
