"""The page's event handlers for one photograph. Independent of Gradio; all state is in the sessions."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import Cancelled, VqfrError, without_folders
from ...files.reporter import describe_failure
from ...options import RestoreOptions
from ...pictures.losses import Loss, collect_losses
from ...pipeline.enlarging.enlarger import Enlarger
from ...pipeline.restoring.restore import Progress
from ...report import Report
from ...restorer import FaceRestorer
from ...texts import capitalised
from ..backgrounds import NONE, open_background
from ..comparing import comparison_html, faces_html
from ..controls import read_controls
from ..downloads import fetch_model
from ..host import PageHost, PageProgress
from ..saving import Saving
from ..session import Photo, Session, Sessions
from ..shown import NO_RESULT, SAME, Shown, Ticks
from ..words import report_html, say, say_faces, say_fidelity, welcome
from .view import (
    Result,
    close_pair,
    compare_models,
    draw_photo,
    face_at,
    naming,
    numbers_of,
    open_photo,
    restore_photo,
    save_result,
    save_sweep,
    sweep_photo,
    toggled,
    whole_result,
    whole_size,
)

logger = logging.getLogger(__name__)

Work = Callable[[Session, FaceRestorer, RestoreOptions], Shown]


class Asked(NamedTuple):
    """The user's session and settings."""

    key: str | None
    """Of the session; None before the first piece of work."""
    model: str
    """One of the host's choices."""
    values: Sequence[Any]
    """Of the controls, in the order of `option_specs`."""
    background: str = NONE
    """NONE or one of the host's choices."""
    path: Path | None = None
    """The photograph in the field, where that is known; it may be on its way, or no longer kept."""
    client: str = ""
    """As for `Sessions.open`."""


class Desk:
    """The work of one page."""

    def __init__(self, host: PageHost, sessions: Sessions) -> None:
        self._host = host
        self._sessions = sessions

    def open(self, asked: Asked, path: Path | None) -> Shown:
        """A photograph was dropped in, or removed."""
        key, session = self._sessions.open(asked.key, asked.client)
        empty = replace(NO_RESULT, key=key, drawing=None, chosen=Ticks(), tab="faces")
        if path is None:
            session.take(None)
            return replace(empty, said=welcome())

        def draw(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            return self._draw(session.require_photo(), restorer, options)

        shown = self._work(asked._replace(key=key, path=path), draw, starts=True)
        is_restored = session.photo is not None and session.photo.result is not None  # Restore was faster
        return replace(shown, said=SAME) if is_restored else empty.then(shown)

    def click(self, asked: Asked, point: tuple[float, float]) -> Shown:
        """The drawing was clicked: choose the face there, or leave it out."""

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            photo = session.require_photo()
            found = photo.image.detect(restorer, options)
            number = face_at(found, photo.drawing_scale, *point)
            if number is None:
                return Shown(said=say("No face was found here; click inside a box."))
            return self._select(asked, photo, restorer, options, toggled(found, number))

        return self._work(asked, work)

    def choose(self, asked: Asked, faces: Sequence[str]) -> Shown:
        """Faces were ticked in the list beside the drawing: by keys, all that a click does."""

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            photo = session.require_photo()
            wanted = {int(face.removeprefix("#")) for face in faces}
            found = photo.image.detect(restorer, options)
            return self._select(asked, photo, restorer, options, naming(found, wanted))

        return self._work(asked, work)

    def change(self, asked: Asked, is_redrawn: bool) -> Shown:
        """A setting was changed; is_redrawn: one that affects which faces are found and chosen."""
        key, session = self._sessions.open(asked.key)
        if session.photo is None or (session.photo.result is None and not is_redrawn):
            return Shown(key=key)

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            behind = self._background(asked, restorer, options)
            return self._redo(session.require_photo(), restorer, options, behind, is_redrawn)

        return self._work(asked._replace(key=key), work)

    def choose_model(self, asked: Asked) -> Shown:
        """Another model was chosen. It is not opened yet: that may need a download."""
        key, session = self._sessions.open(asked.key)
        if session.photo is None:
            return Shown(key=key, fidelity_note="")
        said = say(f"Press Restore to see the result with {asked.model}.")
        return Shown(key=key, fidelity_note="", said=said)

    def download(self, asked: Asked, progress: PageProgress) -> Shown:
        """The button for a better model."""
        key, session = self._sessions.open(asked.key, asked.client)

        def do() -> Shown:
            with session.lock:
                session.stop.clear()
                fetch_model(self._host, asked.model, self._stopper(session), progress)
            return Shown(key=key, said=say("The model is here. Press Restore to use it.", "done"))

        return self._told(key, do)

    def restore(self, asked: Asked, progress: PageProgress) -> Shown:
        """The Restore button."""

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            photo = self._photo(session, options)
            behind = self._background(asked, restorer, options, self._counting("tile", progress))
            faces, should_stop = self._counting("face", progress), self._stopper(session)
            result = restore_photo(photo, restorer, options, behind, faces, should_stop)
            shown = self._draw(photo, restorer, options).then(self._show(photo, result))
            return replace(shown, tab="result", fidelity_note=say_fidelity(restorer.model_for(options)))

        return self._work(asked, work, starts=True, progress=progress)

    def sweep(self, asked: Asked, progress: PageProgress) -> Shown:
        """The button for several fidelities."""

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            photo = self._photo(session, options)
            sheet = sweep_photo(photo, restorer, options, self._counting("face", progress), self._stopper(session))
            path = save_sweep(photo, sheet, session.folder)
            return Shown(sweep=str(path), tab="sweep", said=say("The faces at several fidelities.", "done"))

        return self._work(asked, work, starts=True)

    def compare(self, asked: Asked, models: Sequence[str], progress: PageProgress) -> Shown:
        """The button for several models; each is opened when its turn comes."""

        def work(session: Session, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
            photo = self._photo(session, options)
            openers: list[Callable[[], FaceRestorer]] = [lambda: restorer]
            openers += [partial(self._host.open_restorer, name) for name in models[1:]]
            sheet = compare_models(photo, openers, options, self._counting("face", progress), self._stopper(session))
            path = save_sweep(photo, sheet, session.folder)
            return Shown(sweep=str(path), tab="sweep", said=say("The faces by several models.", "done"))

        if not models:
            return Shown(said=say("Choose the models to compare, in the list beside the button.", "error"))
        return self._work(asked._replace(model=models[0]), work, starts=True)

    def save(self, asked: Asked, saving: Saving = Saving()) -> Shown:  # noqa: B008  a tuple
        """Write the last result to a file to download."""
        key, session = self._sessions.open(asked.key)
        photo = session.photo
        if photo is None or photo.result is None:
            return Shown(key=key, file=None)
        try:
            with collect_losses() as losses:
                path = save_result(photo, session.folder, saving)
        except (VqfrError, OSError) as error:
            return Shown(key=key, file=None, said=say(self._host.told(describe_failure(error)), "error"))
        saved = Shown(key=key, file=str(path), whole=whole_result(photo) if self._host.send_to else SAME)
        return saved.then(_reported(photo, photo.result.report, [*photo.losses, *losses]))

    def look_closer(self, asked: Asked) -> Shown:
        """The comparison was enlarged beyond what is shown: the same at full size."""
        key, session = self._sessions.open(asked.key)
        with session.lock:
            photo = session.photo
            if photo is None or photo.result is None:
                return Shown(key=key)
            return Shown(key=key, comparison=comparison_html(close_pair(photo), whole_size(photo)[1]))

    def stop(self, key: str | None, client: str = "") -> None:
        """The Stop button."""
        self._sessions.open(key, client)[1].stop.set()

    def _photo(self, session: Session, options: RestoreOptions) -> Photo:
        photo = session.require_photo()
        self._host.check_result(photo.num_pixels, options)
        return photo

    def _background(
        self, asked: Asked, restorer: FaceRestorer, options: RestoreOptions, progress: Progress | None = None
    ) -> Enlarger | None:
        return open_background(self._host.backgrounds, asked.background, restorer, options, progress)

    def _select(
        self, asked: Asked, photo: Photo, restorer: FaceRestorer, options: RestoreOptions, select: str
    ) -> Shown:
        behind, changed = self._background(asked, restorer, options), options.replace(select=select)
        return replace(self._redo(photo, restorer, changed, behind, is_redrawn=True), select=select)

    def _redo(
        self,
        photo: Photo,
        restorer: FaceRestorer,
        options: RestoreOptions,
        background: Enlarger | None,
        is_redrawn: bool,
    ) -> Shown:
        shown = self._draw(photo, restorer, options) if is_redrawn else Shown()
        if photo.result is None:
            return shown
        if not photo.image.is_kept(restorer, options, background):
            return replace(shown, said=say("Press Restore to see the result with these settings."))
        self._host.check_result(photo.num_pixels, options)
        return shown.then(self._show(photo, restore_photo(photo, restorer, options, background)))

    def _draw(self, photo: Photo, restorer: FaceRestorer, options: RestoreOptions) -> Shown:
        found = photo.image.detect(restorer, options)
        numbers = [] if found.is_aligned else numbers_of(found.faces)
        chosen = Ticks(tuple(map(_name, numbers)), tuple(map(_name, numbers_of(found.used))))
        return Shown(drawing=draw_photo(photo, found), chosen=chosen, said=say_faces(photo, found))

    def _show(self, photo: Photo, result: Result) -> Shown:
        report = result.restoration.report
        losses = [without_folders(loss.text) for loss in photo.losses if not loss.is_usual]
        said = say(". ".join([report.summary(), *report.notes, *report.warnings, *losses]) + ".", "done")
        compared = comparison_html(result.pair, whole_size(photo)[1])
        shown = Shown(comparison=compared, crops=faces_html(result.crops), said=said)
        return shown.then(_reported(photo, report, photo.losses))

    def _work(self, asked: Asked, work: Work, starts: bool = False, progress: PageProgress | None = None) -> Shown:
        """Do a piece of work inside the host's `job`; errors are shown on the page. progress: of a download before."""
        key, session = self._sessions.open(asked.key, asked.client)
        if asked.path is not None:
            session.take(asked.path)

        def do() -> Shown:
            with session.lock:
                if starts:
                    session.stop.clear()
                self._read(session)  # outside the host's `job`: nobody else should wait for a slow decoder
                if progress is not None:  # nor for a download
                    fetch_model(self._host, asked.model, self._stopper(session), progress)
                options = read_controls(asked.values)
                with self._host.job():
                    return replace(work(session, self._host.open_restorer(asked.model), options), key=key)

        return self._told(key, do)

    def _read(self, session: Session) -> None:
        if session.photo is None and session.path is not None:
            session.photo = open_photo(session.path, self._host, self._stopper(session))

    def _told(self, key: str, do: Callable[[], Shown]) -> Shown:
        """What it gives, or its error in words."""
        try:
            return do()
        except Cancelled as error:
            reason = capitalised(str(error))
            return Shown(key=key, said=say(f"{reason}; press Restore to continue from there."))
        except Exception as error:  # shown to the user, who cannot see the log
            if not isinstance(error, VqfrError):
                logger.exception("the page failed")
            text = self._host.told(describe_failure(error, hint="the log says more"))
            return Shown(key=key, said=say(text, "error"), warning=text)

    def _counting(self, what: str, progress: PageProgress) -> Progress:
        def tell(done: int, total: int) -> None:
            progress(what, done, total)
            self._host.progress(what, done, total)

        return tell

    def _stopper(self, session: Session) -> Callable[[], bool]:
        return lambda: session.stop.is_set() or self._host.should_stop()


def _reported(photo: Photo, report: Report, losses: Sequence[Loss]) -> Shown:
    """The report, with what reading and saving could not keep."""
    noted = replace(report, notes=[*report.notes, *(without_folders(loss.text) for loss in losses)])
    return Shown(report=report_html(noted), json={"source": photo.name, **noted.to_dict()})


def _name(number: int) -> str:
    """As in the drawing."""
    return f"#{number}"
