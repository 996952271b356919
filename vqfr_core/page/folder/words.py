"""What the page says about many pictures, as HTML."""

from html import escape
from pathlib import Path

from ...files.run import Entry
from ...report import count_used
from ..words import bar, say
from .actions import Step


def progress_html(step: Step) -> str:
    """A bar, a line, notes, and the outcome of each picture, the last one first."""
    kind = "error" if step.is_failed else "info" if step.done < step.total else "done"
    entries = map(_entry_line, reversed(step.entries))
    lines = "".join(f"<li>{line}</li>" for line in (*map(escape, step.notes), *entries))
    full = bar(step.done, step.total) if step.total else ""
    return f'{say(step.message, kind)}{full}<ul class="vqfr-log">{lines}</ul>'


def _entry_line(entry: Entry) -> str:
    name = escape(Path(entry.source).name)
    if entry.status == "failed":
        text = (entry.error or "").replace(entry.source, Path(entry.source).name)
        return f"✗ {escape(text)}"
    if entry.status == "skipped":
        return f"– {name}: the result already exists"
    reports = entry.frames or [entry.report or {}]
    faces = [face for report in reports for face in report.get("faces", [])]
    num_restored = sum(face["status"] == "restored" for face in faces)
    is_unchanged = not faces and not any(report.get("background") for report in reports)
    return f"✓ {name}: {count_used(num_restored, len(faces))}{', left unchanged' if is_unchanged else ''}"
