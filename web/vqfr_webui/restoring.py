"""Restore the faces of a picture. The networks are kept between pictures, one model at a time.

A `FaceRestorer` is thread-safe. The lock here keeps other threads from dropping the networks, or asking the WebUI for
memory, while they are in use.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from . import convert, host
from .models import resolve_model, weight_store
from .request import Request

if TYPE_CHECKING:
    from vqfr_core.networks.base import Detector
    from vqfr_core.pictures import Picture
    from vqfr_core.report import Report
    from vqfr_core.restoration import Restoration
    from vqfr_core.restorer import FaceRestorer
    from vqfr_core.types import ImageFaces

_lock = threading.RLock()
_kept: "dict[tuple[str, str, str], FaceRestorer]" = {}


class Restored(NamedTuple):
    """A picture and what was done to it."""

    image: Image.Image
    """The input object itself if nothing was done."""
    report: "Report"


def restore_image(image: Image.Image, request: Request, area: Image.Image | None = None) -> Restored:
    """Restore the faces of a picture; transparency is kept.

    area: white where faces may be, of any size; None means everywhere. Raises VqfrError with a message for the user.
    """
    picture = convert.to_picture(image)
    result = restore_picture(picture, request, area)
    is_same = result.report.num_restored == 0 and request.options.scale == 1
    return Restored(image if is_same else convert.to_image(picture.with_images([result.image])), result.report)


def restore_picture(picture: "Picture", request: Request, area: Image.Image | None = None) -> "Restoration":
    """The same for the core's picture, of which the first frame is restored."""
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
    return result


def find_in_picture(picture: "Picture", request: Request) -> "ImageFaces":
    """The faces of a picture's first frame, numbered and selected but not restored."""
    from vqfr_core.pipeline import aligned_faces, crop_faces, find_faces, select_faces, skip_sharp_faces

    if request.options.aligned:
        cropped = aligned_faces(picture.images)
    else:
        with borrowed_memory():
            detector = _open_detector(request.options.detector)
            found = find_faces(picture.images, detector, request.options, should_stop=host.is_stopped)
        cropped = crop_faces(select_faces(found, request.options))
    (chosen,) = skip_sharp_faces(cropped) if request.options.only_degraded else cropped
    return chosen


@contextmanager
def borrowed_memory() -> Iterator[None]:
    """Wraps each use of networks: one at a time, with room made on the device before and memory freed after."""
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
            download_progress=_show_download,
            store=weight_store(),
        )
    return _kept[key]


def drop_networks() -> None:
    """Drop everything that is loaded."""
    with _lock:
        _kept.clear()


def _open_detector(name: str) -> "Detector":
    """The store of the loaded restorer, else a temporary one."""
    for restorer in _kept.values():
        return restorer.detector(name)
    return weight_store().open("detector", name, host.device(), progress=_show_download)


def _show_faces(done: int, total: int) -> None:
    host.show_progress(f"VQFR: {done} of {total} face{'s' if total > 1 else ''}")


def _show_download(done: int, total: int | None) -> None:
    host.show_progress(f"VQFR: downloading, {done >> 20}{f' of {total >> 20}' if total else ''} MB")
