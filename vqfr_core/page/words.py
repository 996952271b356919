"""What the page says, as HTML."""

from collections.abc import Iterator
from html import escape

from ..networks.base import Restorer
from ..report import NO_FACE_HINT, FaceReport, Report, count_found, count_reasons
from ..types import ImageFaces
from .session import Photo

_COLUMNS = ("face", "size", "score", "sharpness", "fidelity", "moved", "what was done")
_DOWN = "Drop a photograph here, paste one, or try a sample."


def say(text: str, kind: str = "info") -> str:
    """A line below the buttons; kind: info, done or error."""
    return f'<div class="vqfr-said vqfr-{kind}" role="status">{escape(text)}</div>'


def welcome() -> str:
    return say(_DOWN)


def say_faces(photo: Photo, found: ImageFaces) -> str:
    """What was found in a photograph."""
    frames = " The first frame is shown; the tab Several pictures restores all." if photo.is_animated else ""
    return say(f"{photo.name}: {_found(found)}{frames}")


def _found(found: ImageFaces) -> str:
    count = count_found(len(found.faces))
    if not found.faces:
        return f"{count}. {NO_FACE_HINT.capitalize()}."
    if not found.used:
        return f"{count}, none of them chosen ({count_reasons(face.skipped or '' for face in found.faces)})."
    chosen = ", ".join(f"#{face.number}" for face in found.used)
    return f"{count}; to be restored: {chosen}. Click a face to choose it or leave it out."


def say_fidelity(model: Restorer) -> str:
    """What to know of a model's fidelity; empty for one that has it."""
    if model.has_fidelity:
        return ""
    return say(f"{model.full_name} has no fidelity: this slider changes nothing. vqfr_v2 is made for one.")


def count_done(what: str, done: int, total: int) -> str:
    """The progress of counted work, or of a download, which is counted in MB."""
    return f"{done} of {total} MB" if what == "MB" else f"{done} of {total} {what}s done"


def say_progress(text: str, done: int, total: int) -> str:
    """A line and a bar while work is in progress."""
    return say(text) + bar(done, total)


def report_html(report: Report) -> str:
    """The readable report: a line, notes, and a table of the faces."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    rows = "".join(map(_face_row, report.faces))
    head = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    table = f"<table><tr>{head}</tr>{rows}</table>" if rows else ""
    return f'<div class="vqfr-report"><p>{escape(report.summary())}</p><ul>{notes}</ul>{table}</div>'


def _face_row(face: FaceReport) -> str:
    x0, y0, x1, y1 = face.box
    name = "" if face.number is None else face.number
    done = ": ".join(filter(None, (face.status, face.reason or face.warning)))
    cells = (name, f"{x1 - x0:.0f} × {y1 - y0:.0f} px", f"{face.score:.2f}", *_measures(face), escape(done))
    return "".join(["<tr>", *(f"<td>{cell}</td>" for cell in cells), "</tr>"])


def _measures(face: FaceReport) -> Iterator[str]:
    """Sharpness, fidelity and drift, empty where there is none."""
    yield "" if face.sharpness is None else f"{face.sharpness:.2f}"
    yield "" if face.fidelity is None else f"{face.fidelity:g}"
    yield "" if face.landmark_drift is None else f"{face.landmark_drift:.0%}"


def bar(done: int, total: int) -> str:
    """A progress bar."""
    share = 100 * done / total if total else 0
    return f'<div class="vqfr-bar"><i style="width: {share:.0f}%"></i></div>'
