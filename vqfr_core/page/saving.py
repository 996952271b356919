"""How results are saved: the controls for it, and their values."""

from typing import Any, NamedTuple

from ..files.outputs import FORMATS
from .gradio_compat import import_gradio


class Saving(NamedTuple):
    """The values, in the order of `add_saving_controls`."""

    format: str = "same"
    """One of FORMATS."""
    quality: int = 95
    """Of JPEG, AVIF and lossy WebP, 1 to 100."""
    mark: bool = True
    """As for `restore_file`."""


def add_saving_controls(prefix: str) -> list[Any]:
    """Format, quality and the command line's --no-mark."""
    gr, first = import_gradio(), Saving()
    return [
        gr.Dropdown(list(FORMATS), value=first.format, label="Format of the result", elem_id=f"{prefix}_format"),
        gr.Slider(1, 100, value=first.quality, step=1, label="Quality of JPEG and WebP", elem_id=f"{prefix}_quality"),
        gr.Checkbox(
            value=first.mark,
            label="Mark changed pictures",
            info="Their XMP notes that a trained model made part of them (IPTC digital source type).",
            elem_id=f"{prefix}_mark",
        ),
    ]
