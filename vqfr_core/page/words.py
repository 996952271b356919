"""What the page says, as HTML."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from ..files.run import Entry
from ..report import Report, count_reasons
from ..types import Detections
from .folder.actions import Step
from .session import Photo

_DOWN = "Drop a photograph into the field on the left."


def say(text: str, kind: str = "info") -> str:
    """A line below the buttons; kind: info, done or error."""
    return f'<div class="vqfr-said vqfr-{kind}" role="status">{escape(text)}</div>'


def welcome() -> str:
    return say(_DOWN)


def say_faces(photo: Photo, detections: Detections, numbers: Sequence[int]) -> str:
    """What was found in a photograph."""
    frames = " Its first frame is shown; the tab Several pictures restores all." if photo.is_animated else ""
    return say(f"{photo.name}: {_found(detections, numbers)}{frames}")


def _found(detections: Detections, numbers: Sequence[int]) -> str:
    num_used, num_left = len(detections.faces), len(detections.skipped)
    if not num_used + num_left:
        return "no face found. Try a lower minimum confidence, tiles for tiny faces, or rotated faces."
    found = f"{num_used + num_left} face{'s' if num_used + num_left > 1 else ''} found"
    if not num_used:
        return f"{found}, none of them chosen ({count_reasons(skipped.reason for skipped in detections.skipped)})."
    chosen = ", ".join(map(str, sorted(numbers)))
    return f"{found}; to be restored: {chosen}. Click a face to choose it or leave it out."


def bar_html(text: str, done: int, total: int) -> str:
    """A line and a bar, while something is going on."""
    return say(text) + _bar(done, total)


def report_html(report: Report, numbers: Sequence[int]) -> str:
    """The report for a person: a line, what to know, and a table of the faces."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
    names = [str(number) for number in numbers] + [""] * (len(report.faces) - len(numbers))
    rows = "".join(
        f"<tr><td>{name}</td><td>{box[2] - box[0]:.0f} × {box[3] - box[1]:.0f} px</td><td>{face.score:.2f}</td>"
        f"<td>{escape(face.status)}{escape(': ' + face.reason if face.reason else '')}</td></tr>"
        for name, face, box in ((n, f, f.box) for n, f in zip(names, report.faces, strict=True))
    )
    head = "<tr><th>face</th><th>size</th><th>score</th><th>what was done</th></tr>"
    table = f"<table>{head}{rows}</table>" if rows else ""
    return f'<div class="vqfr-report"><p>{escape(report.summary())}</p><ul>{notes}</ul>{table}</div>'


def progress_html(step: Step) -> str:
    """A bar, a line, and what became of each picture; the last one first."""
    kind = "error" if step.is_failed else "info" if step.done < step.total else "done"
    lines = "".join(f"<li>{_entry_line(entry)}</li>" for entry in reversed(step.entries))
    bar = _bar(step.done, step.total) if step.total else ""
    return f'{say(step.message, kind)}{bar}<ul class="vqfr-log">{lines}</ul>'


def _entry_line(entry: Entry) -> str:
    name = escape(Path(entry.source).name)
    if entry.status == "failed":
        text = (entry.error or "").replace(entry.source, Path(entry.source).name)
        return f"✗ {escape(text)}"
    if entry.status == "skipped":
        return f"– {name}: the result is there already"
    reports = entry.frames or [entry.report or {}]
    faces = [face for report in reports for face in report.get("faces", [])]
    num_restored = sum(face["status"] == "restored" for face in faces)
    noun = "face" if len(faces) == 1 else "faces"
    found = f"{num_restored} of {len(faces)} {noun} restored" if faces else "no face found, left as it was"
    return f"✓ {name}: {found}"


def _bar(done: int, total: int) -> str:
    share = 100 * done / total if total else 0
    return f'<div class="vqfr-bar"><i style="width: {share:.0f}%"></i></div>'
