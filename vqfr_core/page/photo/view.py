"""The work on one photograph, from the page's settings to what it shows. Independent of Gradio."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from ...drawing.faces import draw_faces
from ...drawing.sheet import draw_comparison, draw_sweep, fit
from ...errors import InputError
from ...files.outputs import FORMATS, copy_whole
from ...files.restore_file import marked
from ...interactive import InteractiveImage, compare
from ...networks.fidelity import SWEEP_FIDELITIES
from ...options import RestoreOptions
from ...pictures import WRITABLE_SUFFIXES, Picture, to_pil, write_picture
from ...pictures.losses import collect_losses
from ...pictures.stills import first_frame, flatten_frame, picture_of
from ...pipeline.enlarging.enlarger import Enlarger
from ...pipeline.restoring.restore import Progress, ShouldStop
from ...restoration import Restoration
from ...restorer import FaceRestorer
from ...types import Face, ImageFaces
from ..host import PageHost
from ..saving import Saving
from ..session import Photo

SHOWN_PX = 1600
"""Pictures on the page are reduced to this, for speed; the download has full size."""
CLOSE_PIXELS = 40_000_000
"""A close look shows at most these."""
_CLICK_SLACK_PX = 8


@dataclass(frozen=True, eq=False)
class Result:
    """What the page shows of a finished photograph."""

    pair: tuple[Image.Image, Image.Image]
    """The photograph and the result, of the same size."""
    crops: list[tuple[str, Image.Image, Image.Image]]
    """Each face by name, before and after."""
    restoration: Restoration
    """The whole result."""


def open_photo(path: Path, host: PageHost, should_stop: ShouldStop) -> Photo:
    """Read a file. Raises InputError if it is not a picture or too large."""
    try:
        with collect_losses() as losses, host.open_picture(path, host.max_pixels, should_stop) as file:
            still, is_animated = first_frame(file), file.num_frames > 1
    except InputError as error:
        raise InputError(str(error).replace(str(path), path.name)) from error
    image = InteractiveImage(still.images[0], host.max_kept_bytes // 2)
    return Photo(path, path.name, replace(still, loop=0), image, is_animated, tuple(losses))


def draw_photo(photo: Photo, found: ImageFaces) -> Image.Image:
    """The photograph with its faces, numbered as `select` knows them."""
    image = flatten_frame(photo.picture.frames[0])
    if found.is_aligned:  # there is nothing to mark
        return fit(image, SHOWN_PX)
    drawing = fit(draw_faces(image, found), SHOWN_PX)
    photo.drawing_scale = drawing.width / image.width
    return drawing


def face_at(found: ImageFaces, scale: float, x: float, y: float) -> int | None:
    """The number of the face at a point of the drawing, the smallest if several overlap; None if there is none.

    scale: pixels of the drawing for each pixel of the photograph.
    """
    if found.is_aligned:
        return None
    left, top = (x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5
    slack = _CLICK_SLACK_PX / scale
    boxes = [(face.detection.box, face.number) for face in found.faces if face.number is not None]
    hit = [
        (box.area, number)
        for box, number in boxes
        if box.x0 - slack <= left <= box.x1 + slack and box.y0 - slack <= top <= box.y1 + slack
    ]
    return min(hit)[1] if hit else None


def toggled(found: ImageFaces, number: int) -> str:
    """The `select` expression after a click on a face, which toggles it."""
    return naming(found, {face.number for face in found.used if face.number is not None} ^ {number})


def naming(found: ImageFaces, wanted: Set[int]) -> str:
    """The `select` expression for these faces."""
    numbered = numbers_of(found.faces)
    if wanted == set(numbered):
        return "all"
    return ",".join(str(known) for known in numbered if known in wanted) or "none"


def numbers_of(faces: Iterable[Face]) -> list[int]:
    """In order; faces without one cannot be chosen."""
    return sorted(face.number for face in faces if face.number is not None)


def restore_photo(
    photo: Photo,
    restorer: FaceRestorer,
    options: RestoreOptions,
    background: Enlarger | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Result:
    """Restore, redoing only what the changed settings require."""
    photo.result = None
    photo.result = restoration = photo.image.restore(
        restorer, options, background=background, progress=progress, should_stop=should_stop
    )
    return Result(before_and_after(photo, SHOWN_PX), _crops(restoration.found), restoration)


def before_and_after(photo: Photo, longest_px: int) -> tuple[Image.Image, Image.Image]:
    """The photograph and the result, of one size, reduced to a longest side."""
    after = fit(whole_result(photo), longest_px)
    return flatten_frame(photo.picture.frames[0]).resize(after.size, Image.Resampling.LANCZOS), after


def close_pair(photo: Photo) -> tuple[Image.Image, Image.Image]:
    """Both at full size, or nearly."""
    height, width = whole_size(photo)
    return before_and_after(photo, round(max(height, width) * min(1, CLOSE_PIXELS / (height * width)) ** 0.5))


def whole_size(photo: Photo) -> tuple[int, int]:
    """(height, width) of the result."""
    height, width = _finished(photo).images[0].shape[-2:]
    return height, width


def sweep_photo(
    photo: Photo,
    restorer: FaceRestorer,
    options: RestoreOptions,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Image.Image:
    """The faces at several fidelities, in one picture. InputError for a model without fidelity, or without faces."""
    model = restorer.model_for(options)
    model.require_fidelity()
    fidelities = [part * model.settles_at for part in SWEEP_FIDELITIES]  # it does not change above
    results = photo.image.sweep(restorer, fidelities, options, progress=progress, should_stop=should_stop)
    if not results[0].faces:
        raise InputError("no face is chosen, so there is nothing to compare")
    return fit(draw_sweep([result.found.used for result in results], fidelities), 2 * SHOWN_PX)


def compare_models(
    photo: Photo,
    openers: Sequence[Callable[[], FaceRestorer]],
    options: RestoreOptions,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Image.Image:
    """The faces by several models, in one picture; see `compare`. InputError without faces."""
    columns = compare(photo.image, openers, [options.fidelity], options, progress=progress, should_stop=should_stop)
    if not columns[0].result.faces:
        raise InputError("no face is chosen, so there is nothing to compare")
    sheet = draw_comparison([column.result.found.used for column in columns], [column.label for column in columns])
    return fit(sheet, 2 * SHOWN_PX)


def whole_result(photo: Photo) -> Image.Image:
    """The result at full size, 8 bits, transparency over white."""
    return flatten_frame(_finished(photo).frames[0])


def save_result(photo: Photo, folder: Path, saving: Saving) -> Path:
    """Write the result; gives the path. The photograph's own format, where it cannot be written, becomes PNG."""
    own = photo.path.suffix if photo.path.suffix.lower() in WRITABLE_SUFFIXES else ".png"
    suffix = FORMATS[saving.format] or own
    target = folder / f"{Path(photo.name).stem}_restored{suffix}"
    finished = _finished(photo)
    if _is_untouched(photo) and not photo.is_animated and suffix == photo.path.suffix:
        copy_whole(photo.path, target)  # saving a JPEG again would change it
    else:
        is_marked = saving.mark and photo.result is not None and photo.result.report.has_changes
        write_picture(marked(finished, suffix) if is_marked else finished, target, quality=saving.quality)
    return target


def save_sweep(photo: Photo, sheet: Image.Image, folder: Path) -> Path:
    """Write the sweep with the photograph's colour profile."""
    target = folder / f"{Path(photo.name).stem}_sweep.png"
    write_picture(picture_of(sheet, photo.picture), target)
    return target


def _finished(photo: Photo) -> Picture:
    if photo.result is None:
        raise InputError("there is no result yet; press Restore")
    return photo.picture.with_images([photo.result.image])


def _is_untouched(photo: Photo) -> bool:
    result = photo.result
    if result is None or result.found.used or result.report.background is not None:
        return False
    return result.image.shape[-2:] == result.found.size


def _crops(found: ImageFaces) -> list[tuple[str, Image.Image, Image.Image]]:
    return [
        (f"face {face.number}", to_pil(face.crop.image), to_pil(face.restored))
        for face in found.used
        if face.crop is not None and face.restored is not None
    ]
