"""Fidelities given one by one, brought to the faces they are for."""

from collections.abc import Sequence

from ...errors import InputError
from ...types import ImageFaces, all_used


def fidelity_by_face(values: Sequence[float], images: Sequence[ImageFaces]) -> list[float]:
    """For each used face of all images, in order, its fidelity.

    values: as many as faces are used, in their order; or, where some faces are left out, one for each number, so that
    a face keeps its fidelity whichever others are chosen. Raises InputError when they are neither.
    """
    faces = all_used(images)
    if len(values) == len(faces):
        return list(values)
    numbers = [face.number for face in faces if face.number is not None]
    if len(numbers) == len(faces) and max(numbers, default=-1) < len(values):
        return [values[number] for number in numbers]
    raise InputError(f"{len(values)} fidelities were given for {len(faces)} faces; give one for each")
