"""The faces of an evaluation: which files belong together, and how they become 512 px images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from ..errors import InputError
from ..networks.base import Detector
from ..pictures import READABLE_SUFFIXES, read_picture, to_array, to_tensor
from ..pipeline.align import align_face, aligned_crop
from ..pipeline.finding.find import find_faces
from .degrade import degrade_level

GIVEN = "given"
"""The level of pictures degraded elsewhere."""


@dataclass(frozen=True)
class Case:
    """The files of one face."""

    name: str
    """Of the picture, without folder and suffix."""
    original: Path | None
    degraded: Path | None
    restored: tuple[Path, ...]
    """One for each folder of restored pictures."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face at one level. Images are RGB float32 in [0, 1], (3, 512, 512), in steps of 1/255."""

    case: Case
    original: Tensor | None
    degraded: Tensor | None


def find_cases(
    originals: Path | None, degraded: Path | None, restored: Sequence[Path], limit: int | None = None
) -> list[Case]:
    """The pictures of the folders, paired by name without suffix, sorted; the first `limit`.

    Pictures found only among the originals are left out. Raises InputError if any other picture has no partner.
    """
    folders = [folder for folder in (originals, degraded, *restored) if folder is not None]
    if not folders:
        raise InputError("nothing to evaluate: give --originals, --degraded or --restored")
    files = {folder: pictures_in(folder) for folder in folders}
    inner = [folder for folder in folders if folder != originals] or folders
    names = sorted(files[inner[0]])[:limit]
    for folder in folders:
        missing = [name for name in names if name not in files[folder]]
        if missing:
            raise InputError(
                f"{folder} has no picture named {', '.join(missing[:3])} ({len(missing)} of {len(names)} are missing); "
                "pictures of one face need the same name in every folder"
            )
    return [
        Case(
            name,
            files[originals][name] if originals else None,
            files[degraded][name] if degraded else None,
            tuple(files[folder][name] for folder in restored),
        )
        for name in names
    ]


def load_face(case: Case, number: int, level: str, seed: int = 0, align: Detector | None = None) -> Face:
    """The images of a face, degraded unless they already are.

    number: of the face; it seeds the degradation. align: finds the face in an original that is not yet aligned to the
    FFHQ template.
    """
    original = None if case.original is None else read_face(case.original, align)
    if case.degraded is not None:
        return Face(case, original, read_face(case.degraded))
    if level == GIVEN or original is None:
        return Face(case, original, None)
    return Face(case, original, to_tensor(degrade_level(to_array(original), level, seed + number)))


def read_face(path: Path, align: Detector | None = None) -> Tensor:
    """The picture at 512 px, as in a `Face`. Raises InputError when there is no face to align."""
    image = read_picture(path).images[0]
    if align is None:
        crop = aligned_crop(image)
    else:
        faces = find_faces([image], align)[0].used
        if not faces:
            raise InputError(f"{path}: no face found to align; without --align the picture is used as it is")
        crop = align_face(image, faces[0].detection)
    return in_8_bits(crop.image)


def in_8_bits(image: Tensor) -> Tensor:
    """The image as an 8-bit file would hold it."""
    return (image.clamp(0, 1) * 255).round() / 255


def pictures_in(folder: Path) -> dict[str, Path]:
    """The picture files of a folder by name without suffix, sorted. Raises InputError when there is none."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give a folder of pictures")
    found = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in READABLE_SUFFIXES}
    if not found:
        raise InputError(f"there are no pictures in {folder}")
    return found
