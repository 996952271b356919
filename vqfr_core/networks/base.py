"""What every network offers: restorers, detectors and parsers.

Each wraps a module. Hosts move that module between devices, so its device is looked up each time, never stored.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from ..types import Box
from .precision import DTYPES, Precision

Source = Literal["embedded", "file", "downloaded"]
Fidelity = float | Tensor
"""One number for all faces, one per face (B,), or a map (B, 1, S, S); in [0, 1]."""
Kept = tuple[Tensor, ...]
"""What a restorer keeps of one face, on the CPU, to render it again. Opaque to everything else."""


@dataclass(frozen=True)
class ModelInfo:
    """Which weights a network carries."""

    name: str
    """The known name, or the file's own without suffix."""
    path: Path
    """The file."""
    sha256: str
    """Hash of the whole file in hex."""
    source: Source
    """Part of this package, found in a folder, or just downloaded."""
    metadata: Mapping[str, str]
    """Metadata of a safetensors file; empty for others."""
    generation: int | None = None
    """1 or 2 for VQFR; None for others."""


def device_of(module: nn.Module) -> torch.device:
    """Where a module is now."""
    return next((p.device for p in module.parameters()), torch.device("cpu"))


class Network:
    """A module with what others need to know about it."""

    takes_any_layout: ClassVar[bool] = False
    """Its weights may lie in memory as its device likes best."""
    is_filled: ClassVar[bool] = False
    """Built with its weights in it, by a package that brings them into another form."""

    def __init__(self, module: nn.Module, name: str, title: str) -> None:
        self.module = module
        self.name = name
        """Of the architecture; a restorer takes that of its weights as soon as their origin is known."""
        self.title = title
        """Its name in messages."""
        self.info: ModelInfo | None = None
        """Where the weights are from; None for a network built directly."""
        self.precision: Precision = "fp32"
        """Number format of the parts that may be halved."""
        self.precisions: Collection[Precision] = tuple(DTYPES)
        """Those it can work in."""
        self.precision_asked: Precision = "fp32"
        """The one chosen; another is used if the network cannot work in it."""
        self.sizes: Mapping[str, Any] = {}
        """Sizes as plain numbers; empty if the network has only one size."""
        self.reopen: Callable[[], Network] | None = None
        """Loads the same weights in float32; None for a network built directly."""

    @property
    def device(self) -> torch.device:
        """Where the module is now."""
        return device_of(self.module)

    @property
    def full_name(self) -> str:
        """Its name in messages, with that of its weights if that is another."""
        return self.name if self.name.lower() == self.title.lower() else f"{self.name} ({self.title})"

    def attach(self, info: ModelInfo) -> None:
        """Record where the weights are from."""
        self.info = info

    def choose_precision(self, precision: Precision) -> None:
        """Convert the weights in place, to float32 if the network cannot work in that format."""
        self.precision_asked = precision
        self.set_precision(precision if precision in self.precisions else "fp32")

    def set_precision(self, precision: Precision) -> None:
        """Convert the weights in place."""
        self.module.to(DTYPES[precision])
        self.precision = precision

    def precision_note(self) -> str | None:
        """The note for users if another precision is used than was chosen."""
        if self.precision_asked in self.precisions:
            return None
        return f"{self.full_name} cannot work in {self.precision_asked}: {self.precision} was used"


class Restored(NamedTuple):
    """A restorer's results for one batch."""

    answers: list[Tensor]
    """(B, 3, S, S) for each fidelity, float32, nominally in [0, 1]; neither clamped nor checked to be finite."""
    kept: list[Kept] | None
    """What `render` needs for each face, if requested."""


class PrecisionChooser(Protocol):
    """What decides about a restorer's precision; see `auto_precision.py`."""

    def settle(self, restorer: "Restorer", image: Tensor, fidelities: Sequence[Fidelity]) -> None: ...
    def reason(self, restorer: "Restorer") -> str: ...


class Restorer(Network, ABC):
    """Restores aligned faces. One without fidelity gives the same result for every fidelity."""

    takes_any_layout = True
    settles_at: float = 1.0
    """Fidelities above this give the same result as this."""
    most_realistic_at: float = 0.0
    """Fidelities below this look no more realistic."""
    sweeps_fast: ClassVar[bool] = False
    """Several fidelities cost about as much as one."""

    def __init__(
        self,
        module: nn.Module,
        name: str,
        title: str,
        *,
        crop_px: int = 512,
        fidelity: Literal["none", "number", "map"] = "none",
        working_bytes_per_face: int = 600_000_000,
    ) -> None:
        super().__init__(module, name, title)
        self.crop_px = crop_px
        """Side of the crops."""
        self.fidelity = fidelity
        """Whether it takes a fidelity: none, one per face, or also one per pixel."""
        self.generation: int | None = None
        """1 or 2 for VQFR."""
        self.auto: PrecisionChooser | None = None
        """Chooses the precision; None if it was asked for."""
        self._working_bytes_per_face = working_bytes_per_face

    @property
    def has_fidelity(self) -> bool:
        return self.fidelity != "none"

    def restore(self, images: Tensor, fidelities: Sequence[Fidelity], keep: bool = False) -> Restored:
        """Restore a batch of faces.

        Args:
            images: (B, 3, S, S), RGB in [0, 1], S = `crop_px`, on the module's device.
            fidelities: one result for each. Fidelity 0 alone may cost less.
            keep: also return what `render` needs.
        """
        answer = self.run(images)
        kept: list[Kept] | None = [(face.cpu(),) for face in answer] if keep else None
        return Restored([answer] * len(fidelities), kept)

    @abstractmethod
    def run(self, images: Tensor) -> Tensor:
        """The result for a batch, shapes and ranges as in `restore`; called in inference mode."""

    def render(self, kept: Kept, fidelity: Fidelity) -> Tensor:
        """The result (3, S, S) for a kept face at another fidelity."""
        return kept[0]

    def can_render(self, kept: Kept, fidelity: Fidelity) -> bool:
        """Whether `render` gives a kept face at this fidelity, quickly; otherwise it has to be restored again."""
        return True

    def working_bytes(self, num_faces: int) -> int:
        """Roughly how much memory that many faces at once take, besides the weights."""
        return round(num_faces * self._working_bytes_per_face * DTYPES[self.precision].itemsize / 4)

    def attach(self, info: ModelInfo) -> None:
        super().attach(replace(info, generation=self.generation))
        self.name = info.name

    def in_float32(self) -> "Restorer":
        """The network with its weights as stored, not as rounded."""
        if self.precision == "fp32":
            return self
        exact = self.reopen() if self.reopen is not None else copy.deepcopy(self)
        assert isinstance(exact, Restorer)
        exact.set_precision("fp32")
        return exact

    def adopt(self, other: "Restorer") -> None:
        """Take the weights and the precision of the same network: in place, for hosts hold the module."""
        self.set_precision(other.precision)
        with torch.inference_mode(False):
            self.module.load_state_dict(other.module.state_dict(), assign=True)

    @property
    def precision_reason(self) -> str:
        """Why it works in its precision."""
        return "as asked for" if self.auto is None else self.auto.reason(self)

    def describe(self) -> dict[str, Any]:
        """Which network and which weights, for reports."""
        info = self.info
        return {
            "name": self.name,
            "kind": self.title,
            "generation": self.generation,
            "file": info.path.name if info else None,
            "sha256": info.sha256 if info else None,
            "source": info.source if info else "built by hand",
        }

    def label(self, fidelity: float) -> str:
        """Its name in a comparison, with the fidelity if it has one."""
        return f"{self.name}, fidelity {fidelity:g}" if self.has_fidelity else self.name

    def require_fidelity(self) -> None:
        """Raise InputError if it has no fidelity."""
        if not self.has_fidelity:
            raise InputError(
                f"{self.full_name} has no fidelity to vary; choose a model that has one, such as vqfr_v2 "
                "(`models list` shows those here)"
            )

    def fidelity_note(self) -> str | None:
        """The note for users who set a fidelity other than the default; None if it has an effect."""
        return None if self.has_fidelity else f"{self.full_name} has no fidelity: the setting was ignored"


class RawFaces(NamedTuple):
    """Faces in one picture, in pixels; the centre of the first pixel is (0, 0)."""

    boxes: np.ndarray
    """float64 (N, 4): x0, y0, x1, y1."""
    landmarks: np.ndarray
    """float64 (N, 5, 2): left eye, right eye, nose tip, left and right corner of the mouth, as (x, y)."""
    scores: np.ndarray
    """float64 (N,): confidence in [0, 1]."""

    def take(self, index: np.ndarray) -> "RawFaces":
        return RawFaces(self.boxes[index], self.landmarks[index], self.scores[index])


class Detector(Network, ABC):
    """Finds faces. Its attributes say at which sizes it works best."""

    stride_px: int
    """Height and width of a picture must be multiples of this."""
    fill: tuple[float, float, float]
    """A neutral colour, RGB in [0, 1], for padding pictures."""
    typical_box: Box
    """The box it gives for a face aligned to 512 px."""
    min_view_px: int
    """Smaller pictures are enlarged to this side."""
    max_face_px: int
    """Larger faces are left to a reduced view of the picture."""
    look_px: int
    """Side of an aligned crop that shows a face at its best size."""

    @abstractmethod
    def find(self, pictures: Tensor, min_score: float) -> list[RawFaces]:
        """Everything that looks like a face to it, with duplicates.

        pictures: (B, 3, H, W), RGB in [0, 1]. min_score: lowest confidence wanted. Raises VqfrError if its output is
        not finite.
        """


class Parser(Network, ABC):
    """Labels each pixel of an aligned face with the part it shows."""

    crop_px: int = 512
    """Side of the crops it reads; others are resized."""

    def label(self, crops: Tensor, batch_size: int = 4) -> Tensor:
        """For each pixel 0 (no part of a face) or 1 + the index in FACE_REGIONS: int64 (B, S, S) on the crops' device.

        crops: (B, 3, S, S), RGB in [0, 1], any device.
        """
        if not len(crops):
            return crops.new_zeros((0, *crops.shape[-2:]), dtype=torch.int64)
        size = (crops.shape[-2], crops.shape[-1])
        return torch.cat([self._label_resized(part, size) for part in crops.split(batch_size)]).to(crops.device)

    @abstractmethod
    def run(self, crops: Tensor) -> Tensor:
        """The labels of crops (B, 3, crop_px, crop_px), float32, on the module's device; called in inference mode."""

    @torch.inference_mode()
    def _label_resized(self, crops: Tensor, size: tuple[int, int]) -> Tensor:
        own = (self.crop_px, self.crop_px)
        crops = crops.to(device=self.device, dtype=torch.float32)
        if size == own:
            return self.run(crops)
        labels = self.run(F.interpolate(crops, own, mode="bilinear", antialias=True))
        return F.interpolate(labels[:, None].float(), size, mode="nearest-exact")[:, 0].long()
