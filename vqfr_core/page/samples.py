"""Photographs to try; samples/SOURCES.md says where they come from."""

import base64
from html import escape
from pathlib import Path

_FOLDER = Path(__file__).with_name("samples")


def samples_html() -> str:
    """A button for each, and the place of the thumbnail; arrivals.js makes them work."""
    buttons = "".join(map(_button, sorted(_FOLDER.glob("*.jpg"))))
    return (
        '<img class="vqfr-thumbnail" alt="The photograph" hidden>'
        f'<div class="vqfr-samples"><span>Or try one of these:</span>{buttons}</div>'
    )


def _button(path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode()
    what = escape(path.stem.replace("_", " "))
    image = f'<img src="data:image/jpeg;base64,{content}" alt="{escape(path.name)}">'
    return f'<button type="button" class="vqfr-sample" aria-label="Try the sample: {what}">{image}</button>'
