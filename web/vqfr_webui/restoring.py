"""Restore the faces of a picture. The networks are kept between pictures, one model at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from . import convert, host
from .models import resolve_model
from .request import Request

if TYPE_CHECKING:
    from vqfr_core.loaded import Networks
    from vqfr_core.report import Report
    from vqfr_core.restorer import FaceRestorer
    from vqfr_core.types import Detections

_lock = threading.RLock()
_kept: "dict[tuple[str, str, str], FaceRestorer]" = {}


class Restored(NamedTuple):
    """A picture and what was done to it."""

    image: Image.Image
    """The very object that came in when nothing was done to it."""
    report: "Report"


def restore_image(image: Image.Image, request: Request, area: Image.Image | None = None) -> Restored:
    """Restore the faces of a picture; transparency is kept.

    area: white where faces may be, of any size; None: everywhere. Raises VqfrError with a message for the user.
    """
    picture = convert.to_picture(image)
    with borrowed_memory():
        restorer = open_restorer(request.model, request.options.precision)
        result = restorer.restore(
            picture.images[0],
            request.options,
            area=None if area is None else convert.mask_to_area(area),
            progress=_show_faces,
            should_stop=host.is_stopped,
        )
    host.logger.info("%s", result.report.summary())
    is_same = result.report.num_restored == 0 and request.options.scale == 1
    return Restored(image if is_same else convert.to_image(picture.with_images([result.image])), result.report)


def detect_in_image(image: Image.Image, request: Request) -> "tuple[Detections, str]":
    """The faces of a picture, without restoring them, and the name of the detector."""
    from vqfr_core.pipeline.finding.find import find_faces

    picture = convert.to_picture(image)
    with borrowed_memory():
        detector = _any_networks().detector(request.options.detector)
        (found,) = find_faces(picture.images, detector, request.options, should_stop=host.is_stopped)
    return found, detector.name


@contextmanager
def borrowed_memory() -> Iterator[None]:
    """Around each use of networks: one at a time, room on the device before, memory given back after."""
    with _lock:
        host.make_room()
        try:
            yield
        finally:
            if host.unloads_after_use():
                drop_networks()
            host.collect_garbage()


def open_restorer(model: str, precision: str = "auto") -> "FaceRestorer":
    """The restorer of a model, loaded once. Call it inside `borrowed_memory`."""
    from vqfr_core.restorer import FaceRestorer

    wanted, device = resolve_model(model), host.device()
    key = (wanted, str(device), precision)
    if key not in _kept:
        _kept.clear()  # frees its memory first
        host.show_progress(f"VQFR: loading {model}")
        _kept[key] = FaceRestorer(
            wanted,
            device=device,
            precision=precision,
            folder=host.model_folder(),
            search=host.search_folders(),
            download_progress=_show_download,
        )
    return _kept[key]


def drop_networks() -> None:
    """Forget everything that is loaded."""
    with _lock:
        _kept.clear()


def _any_networks() -> "Networks":
    from vqfr_core.loaded import Networks

    for restorer in _kept.values():
        return restorer.networks
    return Networks(device=host.device(), folder=host.model_folder(), search=host.search_folders())


def _show_faces(done: int, total: int) -> None:
    host.show_progress(f"VQFR: {done} of {total} face{'s' if total > 1 else ''}")


def _show_download(done: int, total: int | None) -> None:
    host.show_progress(f"VQFR: downloading, {done >> 20}{f' of {total >> 20}' if total else ''} MB")
