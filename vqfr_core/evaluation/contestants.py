"""What is compared: the degraded input, pictures restored elsewhere, and models at one or several fidelities."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from torch import Tensor

from ..errors import InputError
from ..networks.fidelity import AUTO_FIDELITY, name_fidelity
from ..options import RestoreOptions
from ..pipeline.blending.background import resize_lanczos
from ..restorer import FaceRestorer
from .faces import Face, in_8_bits, read_face

INPUT = "input"


class Row(NamedTuple):
    """A row of the table."""

    contestant: str
    fidelity: float | str | None = None
    """A number, AUTO_FIDELITY, or None if there is none to choose."""

    @property
    def label(self) -> str:
        return (
            self.contestant if self.fidelity is None else f"{self.contestant}, fidelity {name_fidelity(self.fidelity)}"
        )


class Contestant(Protocol):
    """Restores faces, in one or several ways."""

    @property
    def rows(self) -> Sequence[Row]:
        """One row for each way."""

    def answers(self, faces: Sequence[Face]) -> list[list[Tensor]]:
        """The images of all faces for each row, RGB in [0, 1], (3, 512, 512)."""


class Input:
    """The degraded faces as they are."""

    rows = (Row(INPUT),)

    def answers(self, faces: Sequence[Face]) -> list[list[Tensor]]:
        return [[_degraded(face) for face in faces]]


class Restored:
    """A folder of pictures restored elsewhere."""

    def __init__(self, folder: Path, number: int) -> None:
        """number: index of the folder among those of the cases."""
        self.rows = (Row(folder.name),)
        self._number = number

    def answers(self, faces: Sequence[Face]) -> list[list[Tensor]]:
        return [[read_face(face.case.restored[self._number]) for face in faces]]


class Model:
    """A network; one with fidelity gives several at about the cost of one. Fidelities that give the same count once."""

    def __init__(self, restorer: FaceRestorer, fidelities: Sequence[float | str], options: RestoreOptions) -> None:
        """fidelities: numbers, or AUTO_FIDELITY."""
        model = restorer.model
        self.about = model.describe()
        different = dict.fromkeys(own if isinstance(own, str) else min(own, model.settles_at) for own in fidelities)
        self.rows = tuple(Row(model.name, fidelity) for fidelity in (different if model.has_fidelity else [None]))
        self._restorer, self._options = restorer, options.replace(aligned=True)

    def answers(self, faces: Sequence[Face]) -> list[list[Tensor]]:
        images = [_degraded(face) for face in faces]
        numbers = [row.fidelity for row in self.rows if isinstance(row.fidelity, float)]
        if len(numbers) < 2:
            return [self._restored(images, row.fidelity) for row in self.rows]
        sweeps = [self._restorer.sweep(image, numbers, self._options) for image in images]
        swept: dict[float | str | None, list[Tensor]] = {
            number: [_fitted(result.image, image) for result, image in zip(same, images, strict=True)]
            for number, same in zip(numbers, zip(*sweeps, strict=True), strict=True)
        }
        return [swept.get(row.fidelity) or self._restored(images, row.fidelity) for row in self.rows]

    def _restored(self, images: Sequence[Tensor], fidelity: float | str | None) -> list[Tensor]:
        options = self._options.replace(auto_fidelity=fidelity == AUTO_FIDELITY)
        if isinstance(fidelity, float):
            options = options.replace(fidelity=fidelity)
        results = self._restorer.restore_many(images, options)
        return [_fitted(result.image, image) for result, image in zip(results, images, strict=True)]


def check_names(contestants: Sequence[Contestant]) -> None:
    """Raises InputError if two rows of the table would have the same name."""
    rows = [row for contestant in contestants for row in contestant.rows]
    double = {row.label for row in rows if rows.count(row) > 1}
    if double:
        raise InputError(f"more than one model or folder is called {', '.join(sorted(double))}; rename one")


def _fitted(answer: Tensor, face: Tensor) -> Tensor:
    """A restored face in the size of the others and in 8 bits: a network's own crops may be smaller or larger."""
    size = (face.shape[1], face.shape[2])
    return in_8_bits(answer if tuple(answer.shape[1:]) == size else resize_lanczos(answer, size))


def _degraded(face: Face) -> Tensor:
    if face.degraded is None:
        raise InputError(f"{face.case.name}: there is no degraded picture to restore; give --originals or --degraded")
    return face.degraded
