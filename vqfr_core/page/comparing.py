"""Before and after under a slider, as HTML for every Gradio; comparing.js makes it work."""

import base64
import io
from html import escape

from PIL import Image

_JPEG = {"quality": 92, "subsampling": 0}
_PAIR = """
<div class="vqfr-compare" data-name="{name}" data-width="{full}" style="--at: var(--at-{name}, 50%)">
<div class="vqfr-stage" {closer} style="aspect-ratio: {width} / {height}; --ratio: {ratio:.4f}">
<div><img alt="{title}before" src="{before}"></div><div><img alt="{title}after" src="{after}"></div>
<i></i><b>before</b><b>after</b></div>
<div class="vqfr-tools"><input type="range" aria-label="{title}how much is before" min="0" max="100" value="50">
{tools}</div></div>
"""
_CLOSER = 'tabindex="0" role="group" aria-label="A closer look: plus and minus zoom, arrow keys move"'
_TOOLS = "".join(
    f'<button type="button" data-zoom="{zoom}" aria-label="{what}" title="{what}">{sign}</button>'
    for zoom, sign, what in (
        ("fit", "Fit", "Fit the whole picture"),
        ("full", "1:1", "1:1, a pixel of the picture for each of the screen"),
        ("out", "−", "Smaller"),  # noqa: RUF001  the sign
        ("in", "+", "Larger"),
        ("screen", "Screen", "Fill the screen, or leave it"),
    )
)


def comparison_html(pair: tuple[Image.Image, Image.Image], full_width: int) -> str:
    """Both at any zoom. The pair has one size; full_width: that of the whole result, in pixels."""
    return _pair_html(pair, "whole", "", full_width, _CLOSER, _TOOLS)


def faces_html(faces: list[tuple[str, Image.Image, Image.Image]]) -> str:
    """Each face, by name, before and after."""
    shown = [
        f"<figure>{_pair_html((before, after), str(place), f'{name}, ', after.width)}"
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for place, (name, before, after) in enumerate(faces)
    ]
    return f'<div class="vqfr-crops">{"".join(shown)}</div>'


def _pair_html(
    pair: tuple[Image.Image, Image.Image], name: str, title: str, full_width: int, closer: str = "", tools: str = ""
) -> str:
    width, height = pair[0].size
    before, after = map(_data_url, pair)
    return _PAIR.format(
        name=name,
        title=escape(title),
        full=full_width,
        closer=closer,
        tools=tools,
        width=width,
        height=height,
        ratio=width / height,
        before=before,
        after=after,
    )


def _data_url(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **_JPEG)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
