"""VQFR among the WebUI's own face restorers, next to CodeFormer and GFPGAN."""

from typing import Any

import numpy as np

from vqfr_core.errors import Cancelled, VqfrError, without_folders

from . import host, once
from .convert import array_to_image
from .generation import error_of_picture, faces_of_picture, number_of
from .infotext import ERROR, FACES, faces_text
from .restoring import restore_image
from .settings import default_request

NAME = "VQFR"


class VqfrFaceRestorer:
    """Called by the WebUI and by extensions that read its list of face restorers, like `FaceRestoration`."""

    cmd_dir = None

    def name(self) -> str:
        return NAME

    def restore(self, np_image: np.ndarray) -> np.ndarray:
        """(H, W, 3) RGB uint8 in and out, same size. On failure the picture comes back: an error would lose it."""
        if not once.may_restore_natively():
            return np_image
        try:
            result = restore_image(array_to_image(np_image), default_request())
        except Cancelled as error:
            _note_faces(str(error))
            return np_image
        except Exception as error:
            message = str(error) or type(error).__name__
            host.report_error(f"a picture was left unchanged: {message}", is_ours=isinstance(error, VqfrError))
            _note_error(message)
            return np_image
        _note_faces(faces_text(result.report))
        return np.asarray(result.image) if result.report.num_restored else np_image


def register(face_restorers: list[Any]) -> None:
    """Add VQFR to the WebUI's list, once: the list survives "Reload UI"."""
    face_restorers[:] = [known for known in face_restorers if known.name() != NAME]
    face_restorers.append(VqfrFaceRestorer())


def _note_faces(text: str) -> None:
    """Tell the running generation, if any, for the infotext and the Extras operation."""
    running = _running()
    if running is not None:
        job, p = running
        job.was_restored = True
        job.faces[number_of(p)] = text
        p.extra_generation_params[FACES] = faces_of_picture


def _note_error(text: str) -> None:
    """Tell the running generation, if any, for the infotext and the page."""
    running = _running()
    if running is not None:
        job, p = running
        job.was_restored = False
        job.errors[number_of(p)] = without_folders(text)
        p.extra_generation_params[ERROR] = error_of_picture
        host.tell_page(p, text)


def _running() -> tuple[once.Job, Any] | None:
    """The generation that is running and the WebUI's object for it."""
    job = once.current()
    p = job.generation() if job is not None else None
    return None if job is None or p is None else (job, p)
