"""Assign individually given fidelities to their faces."""

from collections.abc import Sequence

from ...errors import InputError
from ...types import ImageFaces, all_used


def fidelity_by_face(values: Sequence[float], images: Sequence[ImageFaces]) -> list[float]:
    """The fidelity of each used face of all images, in order.

    values: one per used face, in order; or, if some faces are skipped, one per number, so that a face keeps its
    fidelity whichever others are chosen. Raises InputError if they are neither.
    """
    faces = all_used(images)
    if len(values) == len(faces):
        return list(values)
    numbers = [face.number for face in faces if face.number is not None]
    highest = max((face.number for entry in images for face in entry.faces if face.number is not None), default=-1)
    if len(numbers) == len(faces) and len(values) == highest + 1:
        return [values[number] for number in numbers]
    raise InputError(f"{len(values)} fidelities were given for {len(faces)} faces; give one for each")
