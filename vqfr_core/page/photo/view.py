"""The work on one photograph, from the page's settings to what it shows. Nothing here knows Gradio."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from ...drawing.faces import draw_faces
from ...drawing.sheet import draw_sweep, fit
from ...errors import InputError
from ...files.outputs import copy_whole
from ...finish import Restoration
from ...interactive import Rework
from ...options import RestoreOptions
from ...pictures import WRITABLE_SUFFIXES, Picture, open_picture, to_pil, write_picture
from ...pictures.stills import first_frame, flatten_frame, picture_of
from ...pipeline.restoring.restore import Progress, ShouldStop
from ...restorer import FaceRestorer
from ...types import Detections, FaceDetection
from ..session import Photo

SHOWN_PX = 1600
"""Pictures on the page are reduced to this, for speed; the file to download is whole."""
SWEEP_FIDELITIES = (0.0, 0.25, 0.5, 0.75, 1.0)
_CLICK_SLACK_PX = 8


@dataclass(frozen=True, eq=False)
class Result:
    """What the page shows of a finished photograph."""

    before: Image.Image
    """The photograph."""
    after: Image.Image
    """The result, of the same size."""
    crops: list[tuple[Image.Image, str]]
    """Each face before and after, with its name."""
    numbers: list[int]
    """Of the restored faces."""
    restoration: Restoration
    """The whole result."""


def open_photo(path: Path, max_pixels: int, max_bytes: int) -> Photo:
    """Read a file. Raises InputError when it is no picture or too large."""
    try:
        with open_picture(path, max_pixels) as file:
            still, is_animated = first_frame(file), file.num_frames > 1
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
    return Photo(path, path.name, replace(still, loop=0), Rework(still.images[0], max_bytes), is_animated)


def draw_photo(photo: Photo, restorer: FaceRestorer, options: RestoreOptions) -> tuple[Image.Image, Detections]:
    """The photograph with its faces, numbered as `select` knows them, and the faces themselves."""
    image = flatten_frame(photo.picture.frames[0])
    detections = photo.rework.detect(restorer, options)
    photo.numbered = photo.rework.numbers(restorer, options)
    if options.aligned:  # there is nothing to mark
        return fit(image, SHOWN_PX), detections
    drawing = fit(draw_faces(image, detections), SHOWN_PX)
    photo.drawing_scale = drawing.width / image.width
    return drawing, detections


def chosen_numbers(photo: Photo, detections: Detections) -> list[int]:
    """The numbers of the faces to be used."""
    return _numbers_of(photo, detections.faces)


def face_at(photo: Photo, x: float, y: float) -> int | None:
    """The number of the face at a point of the drawing, the smallest where several overlap; None: there is none."""
    scale = photo.drawing_scale
    left, top = (x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5
    slack = _CLICK_SLACK_PX / scale
    hit = [
        (face.box.area, number)
        for number, face in enumerate(photo.numbered)
        if face.box.x0 - slack <= left <= face.box.x1 + slack and face.box.y0 - slack <= top <= face.box.y1 + slack
    ]
    return min(hit)[1] if hit else None


def toggled(number: int, chosen: Sequence[int], num_faces: int) -> str:
    """The `select` expression after a click on a face: chosen becomes not chosen, and the other way round."""
    wanted = sorted(set(chosen) ^ {number})
    if len(wanted) == num_faces:
        return "all"
    return ",".join(map(str, wanted)) or "none"


def restore_photo(
    photo: Photo,
    restorer: FaceRestorer,
    options: RestoreOptions,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Result:
    """Restore, with as little work as the changed settings allow."""
    photo.result, photo.numbered = None, photo.rework.numbers(restorer, options)
    restoration = photo.rework.restore(restorer, options, progress=progress, should_stop=should_stop)
    photo.result = restoration
    after_frame = photo.picture.with_images([restoration.image]).frames[0]
    after = fit(flatten_frame(after_frame), SHOWN_PX)
    before = flatten_frame(photo.picture.frames[0]).resize(after.size, Image.Resampling.LANCZOS)
    numbers = _numbers_of(photo, [face.crop.detection for face in restoration.faces])
    return Result(before, after, _crops(restoration, numbers), numbers, restoration)


def sweep_photo(
    photo: Photo,
    restorer: FaceRestorer,
    options: RestoreOptions,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Image.Image:
    """The faces at several fidelities, in one picture. InputError for a v1 model, or without faces."""
    network = restorer.network_for(options)
    if not network.has_fidelity:
        raise InputError(f"{network.info.name} is a VQFR v1, which has no fidelity to sweep; choose a v2 model")
    results = photo.rework.sweep(restorer, SWEEP_FIDELITIES, options, progress=progress, should_stop=should_stop)
    if not results[0].faces:
        raise InputError("no face is chosen, so there is nothing to compare")
    return fit(draw_sweep([result.found.used for result in results], SWEEP_FIDELITIES), 2 * SHOWN_PX)


def whole_result(photo: Photo) -> Image.Image:
    """The result at its full size, 8 bits, transparency laid over white."""
    return flatten_frame(_finished(photo).frames[0])


def save_result(photo: Photo, folder: Path) -> Path:
    """Write the result, in the format of the photograph where that can be written, else as PNG; the file's path."""
    suffix = photo.path.suffix if photo.path.suffix.lower() in WRITABLE_SUFFIXES else ".png"
    target = folder / f"{Path(photo.name).stem}_restored{suffix}"
    finished = _finished(photo)
    if _is_untouched(photo) and not photo.is_animated and suffix == photo.path.suffix:
        copy_whole(photo.path, target)  # saving a JPEG once more would change it
    else:
        write_picture(finished, target)
    return target


def save_sweep(photo: Photo, sheet: Image.Image, folder: Path) -> Path:
    """Write the sweep with the photograph's colour profile."""
    target = folder / f"{Path(photo.name).stem}_sweep.png"
    write_picture(picture_of(sheet, photo.picture), target)
    return target


def report_dict(photo: Photo) -> dict[str, Any]:
    """The report as plain data, with the file's name."""
    if photo.result is None:
        return {}
    return {"source": photo.name, **photo.result.report.to_dict()}


def _finished(photo: Photo) -> Picture:
    if photo.result is None:
        raise InputError("there is no result yet; press Restore")
    return photo.picture.with_images([photo.result.image])


def _is_untouched(photo: Photo) -> bool:
    result = photo.result
    return result is not None and not result.faces and result.report.options["scale"] == 1


def _numbers_of(photo: Photo, faces: Sequence[FaceDetection]) -> list[int]:
    """An aligned face is number 0."""
    return [photo.numbered.index(face) if face in photo.numbered else 0 for face in faces]


def _crops(restoration: Restoration, numbers: Sequence[int]) -> list[tuple[Image.Image, str]]:
    crops = []
    for number, face in zip(numbers, restoration.faces, strict=True):
        crops += [(to_pil(face.crop.image), f"face {number}, before"), (to_pil(face.image), f"face {number}, after")]
    return crops
