"""Face restorers of other projects, built by the package spandrel: GFPGAN, RestoreFormer and CodeFormer.

Papers: GFP-GAN (Wang et al., CVPR 2021), RestoreFormer (Wang et al., CVPR 2022), CodeFormer (Zhou et al., NeurIPS
2022). The networks are called as their own projects do, in [-1, 1]: spandrel's own call gives GFPGAN and CodeFormer
[0, 1], and GFPGAN fresh noise each time. Tried with spandrel 0.3.4 and 0.4.2.
"""

import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import Any, Literal

import torch
from torch import Tensor

from ..errors import WeightsError
from ..extras import CODEFORMER_LICENCE, how_to_install
from .base import Fidelity, Kept, Restored, Restorer
from .precision import DTYPES, full_float32

_BYTES_PER_FACE = 800_000_000
"""Peak over the weights for one face in float32; 0.8 GB measured for GFPGAN and RestoreFormer, 0.7 for CodeFormer."""
_OF_FIRST_GFPGAN = "conv_body_first.0.weight"


def build_gfpgan(state: Mapping[str, Tensor]) -> Restorer:
    """A GFPGAN v1.2 to v1.4, without weights."""
    if _OF_FIRST_GFPGAN in state:
        raise WeightsError("this is the first GFPGAN, which is built differently; use GFPGANv1.3.pth or GFPGANv1.4.pth")
    return GfpganRestorer(_describe("spandrel", "GFPGAN", state), "gfpgan", "GFPGAN")


def build_restoreformer(state: Mapping[str, Tensor]) -> Restorer:
    """A RestoreFormer of the sizes of these weights, without loading them."""
    built = _describe("spandrel", "RestoreFormer", state)
    return SpandrelRestorer(built, "restoreformer", "RestoreFormer", chooses_codes=True)


def build_codeformer(state: Mapping[str, Tensor]) -> Restorer:
    """A CodeFormer of the sizes of these weights, without loading them."""
    return CodeFormerRestorer(_describe("spandrel_extra_arches", "CodeFormer", state), "codeformer", "CodeFormer")


class SpandrelRestorer(Restorer):
    """A network that takes and gives images in [-1, 1]."""

    takes_any_layout = False  # GFPGAN needs tensors to lie as usual

    def __init__(
        self,
        built: Any,
        name: str,
        title: str,
        *,
        fidelity: Literal["none", "number"] = "none",
        chooses_codes: bool = False,
    ) -> None:
        """built: spandrel's description of the network. chooses_codes: rounded numbers change parts of the face."""
        super().__init__(built.model, name, title, fidelity=fidelity, working_bytes_per_face=_BYTES_PER_FACE)
        can = {"fp32": True, "bf16": built.supports_bfloat16, "fp16": built.supports_half}
        self.precisions = [precision for precision in DTYPES if can[precision]]
        self._chooses_codes = chooses_codes

    def run(self, images: Tensor) -> Tensor:
        return self._ask(images)

    def _ask(self, images: Tensor, **choices: Any) -> Tensor:
        """choices: of the network's own call."""
        x = (images * 2 - 1).to(DTYPES[self.precision])
        with full_float32() if self._chooses_codes else nullcontext():
            answer: Tensor = self.module(x, **choices)[0]
        return answer.float().add(1).div(2)


class GfpganRestorer(SpandrelRestorer):
    """With the noise that its weights bring: fresh noise would make every call differ, and frames flicker."""

    def run(self, images: Tensor) -> Tensor:
        return self._ask(images, return_rgb=False, randomize_noise=False)


class CodeFormerRestorer(SpandrelRestorer):
    """Its fidelity acts inside the generator, so each value costs a pass."""

    def __init__(self, built: Any, name: str, title: str) -> None:
        super().__init__(built, name, title, fidelity="number", chooses_codes=True)
        self.precisions = ["fp32"]  # it looks codes up in float32 and fails otherwise, whatever spandrel says

    def run(self, images: Tensor) -> Tensor:
        return self._at(images, 0.5)

    def restore(self, images: Tensor, fidelities: Sequence[Fidelity], keep: bool = False) -> Restored:
        answers = [self._at(images, fidelity) for fidelity in fidelities]
        return Restored(answers, [_keep(answers, fidelities, i) for i in range(len(images))] if keep else None)

    def can_render(self, kept: Kept, fidelity: Fidelity) -> bool:
        return bool((kept[0] == fidelity).any())

    def render(self, kept: Kept, fidelity: Fidelity) -> Tensor:
        known, answers = kept
        return answers[int((known == fidelity).nonzero()[0])]

    def _at(self, images: Tensor, fidelity: Fidelity) -> Tensor:
        """Its own call takes one number for all faces."""
        if isinstance(fidelity, Tensor):
            pairs = zip(images.split(1), fidelity.tolist(), strict=True)
            return torch.cat([self._ask(image, weight=value) for image, value in pairs])
        return self._ask(images, weight=fidelity)


def _keep(answers: Sequence[Tensor], fidelities: Sequence[Fidelity], index: int) -> Kept:
    """The fidelities of a face (K,) and its results (K, 3, S, S)."""
    own = [float(value[index]) if isinstance(value, Tensor) else value for value in fidelities]
    return torch.tensor(own), torch.stack([answer[index].cpu() for answer in answers])


def _describe(package: str, architecture: str, state: Mapping[str, Tensor]) -> Any:
    """Spandrel's description of a network with the sizes of these weights; call it where PyTorch builds on meta."""
    with torch.device("cpu"):  # what the package makes at import is for everybody who uses it
        module = import_from(package, f"{package}.architectures.{architecture}", architecture)
    try:
        return getattr(module, f"{architecture}Arch")().load({name: part.to("meta") for name, part in state.items()})
    except KeyError as error:
        raise WeightsError(
            f"this {architecture} is built differently: it has no {error}; use the published file"
        ) from error


def _how_to_get_spandrel() -> str:
    return f"Install it: {how_to_install('restorers', 'spandrel')}"


def _how_to_get_codeformer() -> str:
    return (
        f"The licence of CodeFormer is the {CODEFORMER_LICENCE}. If that is your use, "
        f'install the package: "{sys.executable}" -m pip install spandrel_extra_arches'
    )


_HOW_TO_GET = {"spandrel": _how_to_get_spandrel, "spandrel_extra_arches": _how_to_get_codeformer}


def import_from(package: str, module: str, what: str) -> Any:
    """A module of spandrel or its extra package. WeightsError with what to install if `what` cannot be had."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(module)
    except ImportError as error:
        raise WeightsError(f"{what} needs the package {package} ({error}). {_HOW_TO_GET[package]()}") from error
