"""VQFR as a restorer: images in [0, 1] to the network's range and back, and rendering again by its head."""

import dataclasses
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ...errors import WeightsError
from ..base import Fidelity, Kept, ModelInfo, Network, Restored, Restorer
from ..fidelity import DEFAULT_FIDELITY
from ..precision import DTYPES, Precision
from .config import V1Config, V2Config
from .network import Features, VqfrNetwork
from .v1 import VqfrV1
from .v2 import VqfrV2

_V1_BYTES_PER_FACE, _V2_BYTES_PER_FACE = 1_100_000_000, 600_000_000
"""Peak over the weights for one face in float32 at the published widths; benchmarks/network.py."""


def build_v1(state: Mapping[str, Tensor]) -> Restorer:
    """A VQFR v1 of the sizes of these weights, without loading them."""
    return VqfrV1Restorer(VqfrV1(V1Config.from_state_dict(state)))


def build_v2(state: Mapping[str, Tensor]) -> Restorer:
    """A VQFR v2 of the sizes of these weights, without loading them."""
    return VqfrV2Restorer(VqfrV2(V2Config.from_state_dict(state)))


def vqfr_module(network: Network) -> VqfrNetwork:
    """The module of a VQFR network. Raises WeightsError for another one."""
    if not isinstance(network.module, VqfrNetwork):
        raise WeightsError(f"{network.full_name} is not a VQFR network; FaceRestorer restores faces with it")
    return network.module


class VqfrRestorer(Restorer):
    """What the two generations share: fidelity enters last, at little cost."""

    sweeps_fast = True

    def __init__(self, module: VqfrV1 | VqfrV2, bytes_per_face: int) -> None:
        """bytes_per_face: at the published width."""
        generation, config = module.generation, module.config
        width = config.channels[0] / type(config)().channels[0]
        super().__init__(
            module,
            f"vqfr_v{generation}",
            f"VQFR v{generation}",
            fidelity="map",
            working_bytes_per_face=round(bytes_per_face * width),
        )
        self.network: VqfrNetwork = module
        self.generation, self.sizes = generation, dataclasses.asdict(config)

    def attach(self, info: ModelInfo) -> None:
        super().attach(info)
        self.network.info = self.info

    def set_precision(self, precision: Precision) -> None:
        self.network.set_precision(DTYPES[precision])
        self.precision = precision

    def run(self, images: Tensor) -> Tensor:
        return _from_network(self.network(_to_network(images)))

    def restore(self, images: Tensor, fidelities: Sequence[Fidelity], keep: bool = False) -> Restored:
        x = _to_network(images)
        if not keep:
            return Restored([_from_network(answer) for answer in self.network.sweep(x, fidelities)], None)
        features = self.network.features(x)
        answers = [_from_network(self.network.head(features, fidelity).to(x.dtype)) for fidelity in fidelities]
        return Restored(answers, [_of_face(features, i) for i in range(len(images))])

    def render(self, kept: Kept, fidelity: Fidelity) -> Tensor:
        features = Features(*(part.to(self.device) for part in kept))
        return _from_network(self.network.head(features, fidelity).float())[0]


class VqfrV1Restorer(VqfrRestorer):
    """Its fidelity is ours: from the texture image to the published answer; see `mixture.py`."""

    settles_at = DEFAULT_FIDELITY
    most_realistic_at = DEFAULT_FIDELITY  # measured with the built-in model; docs/evaluation.md

    def __init__(self, module: VqfrV1) -> None:
        super().__init__(module, _V1_BYTES_PER_FACE)


class VqfrV2Restorer(VqfrRestorer):
    """The head adds the main branch to the texture by fidelity."""

    def __init__(self, module: VqfrV2) -> None:
        super().__init__(module, _V2_BYTES_PER_FACE)


def _of_face(features: Features, index: int) -> Kept:
    return tuple(part[index : index + 1].cpu() for part in features if part is not None)


def _to_network(images: Tensor) -> Tensor:
    return images * 2 - 1


def _from_network(answer: Tensor) -> Tensor:
    return answer.to(torch.float32).add(1).div(2)
