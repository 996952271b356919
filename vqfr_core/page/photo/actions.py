"""What the page does when somebody does something, for one photograph. Results are values by the name of what shows
them; what is not named stays as it is. Nothing here knows Gradio, and nothing is kept outside the sessions."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import Cancelled, VqfrError
from ...files.reporter import describe_failure
from ...options import RestoreOptions
from ...restorer import FaceRestorer
from ..controls import read_controls
from ..host import PageHost, PageProgress
from ..session import Photo, Session, Sessions
from ..words import report_html, say, say_faces, welcome
from .view import (
    Result,
    chosen_numbers,
    draw_photo,
    face_at,
    open_photo,
    report_dict,
    restore_photo,
    save_result,
    save_sweep,
    sweep_photo,
    toggled,
    whole_result,
)

logger = logging.getLogger(__name__)

Shown = dict[str, Any]
"""Values by name: key, drawing, said, select, comparison, crops, sweep, report, json, file, whole, tab."""
NOTHING: Shown = {
    "comparison": None, "crops": None, "sweep": None, "report": "", "json": None, "file": None, "whole": None,
}  # fmt: skip
"""The places of results, emptied."""


class Asked(NamedTuple):
    """Who wants something, with which settings."""

    key: str | None
    """Of the session; None before the first piece of work."""
    model: str
    """One of the host's choices."""
    values: Sequence[Any]
    """Of the controls, in the order of `option_specs`."""


class Desk:
    """The work of one page."""

    def __init__(self, host: PageHost, sessions: Sessions) -> None:
        self._host = host
        self._sessions = sessions

    def open(self, asked: Asked, path: Path | None) -> Shown:
        """A photograph was dropped, or taken away."""
        key, session = self._sessions.open(asked.key)
        session.stop.set()
        session.photo = None
        empty: Shown = {"key": key, "drawing": None, "tab": "faces", **NOTHING}
        if path is None:
            return empty | {"said": welcome()}

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            session.photo = open_photo(path, self._host.max_pixels, self._host.max_kept_bytes // 2)
            return self._draw(session.photo, restorer, options)

        return empty | self._work(asked._replace(key=key), work)

    def click(self, asked: Asked, point: tuple[float, float]) -> Shown:
        """Somebody clicked into the drawing: the face there is chosen, or left out."""

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            photo = session.require_photo()
            number = face_at(photo, *point)
            if number is None:
                return {"said": say("There is no face here that was found; click inside a box.")}
            chosen = chosen_numbers(photo, photo.rework.detect(restorer, options))
            changed = options.replace(select=toggled(number, chosen, len(photo.numbered)))
            return {"select": changed.select} | self._redo(photo, restorer, changed, is_redrawn=True)

        return self._work(asked, work)

    def change(self, asked: Asked, is_redrawn: bool) -> Shown:
        """A setting was changed; is_redrawn: one that has a say in which faces are found and chosen."""
        key, session = self._sessions.open(asked.key)
        if session.photo is None or (session.photo.result is None and not is_redrawn):
            return {"key": key}

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            return self._redo(session.require_photo(), restorer, options, is_redrawn)

        return self._work(asked._replace(key=key), work)

    def choose_model(self, asked: Asked) -> Shown:
        """Another model was chosen. It is not opened yet: that may take a download."""
        key, session = self._sessions.open(asked.key)
        if session.photo is None:
            return {"key": key}
        return {"key": key, "said": say(f"Press Restore to see the result with {asked.model}.")}

    def restore(self, asked: Asked, progress: PageProgress) -> Shown:
        """The Restore button."""

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            photo = session.require_photo()
            result = restore_photo(photo, restorer, options, self._faces(progress), self._stopper(session))
            return self._draw(photo, restorer, options) | self._show(photo, result) | {"tab": "result"}

        return self._work(asked, work, starts=True)

    def sweep(self, asked: Asked, progress: PageProgress) -> Shown:
        """The button for several fidelities."""

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            photo = session.require_photo()
            sheet = sweep_photo(photo, restorer, options, self._faces(progress), self._stopper(session))
            path = save_sweep(photo, sheet, session.folder)
            return {"sweep": str(path), "tab": "sweep", "said": say("The faces at several fidelities.", "done")}

        return self._work(asked, work, starts=True)

    def save(self, asked: Asked) -> Shown:
        """Write the last result to a file to download."""
        key, session = self._sessions.open(asked.key)
        photo = session.photo
        if photo is None or photo.result is None:
            return {"key": key, "file": None}
        shown: Shown = {"key": key}
        try:
            shown["file"] = str(save_result(photo, session.folder))
        except (VqfrError, OSError) as error:
            return shown | {"file": None, "said": say(describe_failure(error), "error")}
        return shown | ({"whole": whole_result(photo)} if self._host.send_to else {})

    def stop(self, key: str | None) -> None:
        """The Stop button."""
        self._sessions.open(key)[1].stop.set()

    def _redo(self, photo: Photo, restorer: FaceRestorer, options: RestoreOptions, is_redrawn: bool) -> Shown:
        shown = self._draw(photo, restorer, options) if is_redrawn else {}
        if photo.result is None:
            return shown
        if not photo.rework.is_kept(restorer, options):
            return shown | {"said": say("Press Restore to see the result with these settings.")}
        return shown | self._show(photo, restore_photo(photo, restorer, options))

    def _draw(self, photo: Photo, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
        drawing, detections = draw_photo(photo, restorer, options)
        return {"drawing": drawing, "said": say_faces(photo, detections, chosen_numbers(photo, detections))}

    def _show(self, photo: Photo, result: Result) -> Shown:
        report = result.restoration.report
        return {
            "comparison": (result.before, result.after),
            "crops": result.crops,
            "report": report_html(report, result.numbers),
            "json": report_dict(photo),
            "said": say(". ".join([report.summary(), *report.notes]) + ".", "done"),
        }

    def _work(
        self,
        asked: Asked,
        work: Callable[[Session, FaceRestorer, RestoreOptions], Shown],
        starts: bool = False,
    ) -> Shown:
        """Do a piece of work in the host's surroundings; what goes wrong is said in the page."""
        key, session = self._sessions.open(asked.key)
        try:
            options = read_controls(asked.values)
            with session.lock, self._host.job():
                if starts:
                    session.stop.clear()
                return {"key": key} | work(session, self._host.open_restorer(asked.model), options)
        except Cancelled as error:
            return {"key": key, "said": say(f"It was {error}; press Restore to go on from there.")}
        except Exception as error:  # shown to the user, who cannot see the log
            if not isinstance(error, VqfrError):
                logger.exception("the page failed")
            text = describe_failure(error, hint="the log says more")
            return {"key": key, "said": say(text, "error"), "warning": text}

    def _faces(self, progress: PageProgress) -> Callable[[int, int], None]:
        def tell(done: int, total: int) -> None:
            progress("face", done, total)
            self._host.progress("face", done, total)

        return tell

    def _stopper(self, session: Session) -> Callable[[], bool]:
        return lambda: session.stop.is_set() or self._host.should_stop()
