"""The faces of a run: a tar or a folder of pictures, split into training and validation."""

import logging
import math
import tarfile
from dataclasses import dataclass
from pathlib import Path

import cv2

from vqfr_core.errors import InputError
from vqfr_core.evaluation.faces import pictures_in
from vqfr_core.pictures import read_picture, to_array
from vqfr_core.pipeline.align import align_face
from vqfr_core.pipeline.finding.find import find_faces
from vqfr_core.weights.store import WeightStore

logger = logging.getLogger("training")

VALIDATION_PART = 0.04


@dataclass(frozen=True)
class Faces:
    """Encoded pictures, sorted by name."""

    training: list[bytes]
    validation: list[bytes]


def read_faces(path: Path, num_validation: int | None = None, align: bool = False) -> Faces:
    """Read pictures of aligned faces; the last `num_validation` by name (4 % if not given) are kept for validation.

    path: a tar of JPEG and PNG files, or a folder of pictures. align: the folder holds photographs; every face found is
    cut out and aligned to the FFHQ template at 512 px. Raises InputError if there are too few.
    """
    if align:
        files = cut_out_faces(path)
    elif path.is_dir():
        files = [file.read_bytes() for file in pictures_in(path).values()]
    else:
        files = _read_tar(path)
    if num_validation is None:
        num_validation = math.ceil(len(files) * VALIDATION_PART)
    if len(files) <= max(num_validation, 1):
        raise InputError(
            f"{path} holds {len(files)} faces: too few to train with {num_validation} kept for validation; give more "
            "pictures, or a smaller --num-validation"
        )
    split = len(files) - num_validation
    return Faces(files[:split], files[split:])


def cut_out_faces(folder: Path) -> list[bytes]:
    """All faces of a folder of photographs, aligned, as PNG files of 512 px. Photographs without a face are logged."""
    store = WeightStore()
    detector = store.open("detector", store.packaged_name("detector"), "cpu")
    files = []
    for path in pictures_in(folder).values():
        image = read_picture(path).images[0]
        faces = find_faces([image], detector)[0].used
        if not faces:
            logger.warning("%s: no face found, left out", path)
        for face in faces:
            pixels = to_array(align_face(image, face.detection).image.clamp(0, 1))
            files.append(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes())
    return files


def _read_tar(path: Path) -> list[bytes]:
    with tarfile.open(path) as tar:
        names = sorted(m.name for m in tar if m.isfile() and m.name.lower().endswith((".jpg", ".jpeg", ".png")))
        return [tar.extractfile(name).read() for name in names]  # type: ignore[union-attr]
