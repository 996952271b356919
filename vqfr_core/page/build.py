"""The whole page."""

import logging
from typing import Any

from ..known_faults import warn_of_faults
from .folder.tab import FolderTab
from .gradio_compat import fill_on_load, import_gradio, make_html, make_state, on_unload, open_blocks
from .host import PageHost
from .language import translator_html
from .photo.tab import PhotoTab
from .session import Sessions
from .style import style_html

logger = logging.getLogger(__name__)

_TITLE = "VQFR Face Restore"


def build_page(host: PageHost, *, is_alone: bool = False) -> Any:
    """A gr.Blocks with the page in it, not launched, for every Gradio from 3.41 to 6.

    is_alone: it will not be nested in another gr.Blocks, so closing it is noticed at once, and its words are
    translated here.
    """
    with open_blocks(_TITLE) as blocks:
        if is_alone:
            make_html(f"<h1>{_TITLE}</h1>", f"{host.id_prefix}_title")
        sessions = add_page(host)
        if is_alone:
            on_unload(blocks, sessions.drop_client)
            fill_on_load(blocks, make_html("", f"{host.id_prefix}_language"), translator_html)
    return blocks


def add_page(host: PageHost) -> Sessions:
    """The same page, added to the current gr.Blocks. The caller ends the returned sessions with the page."""
    gr, sessions = import_gradio(), Sessions(host)
    if warning := warn_of_faults():
        logger.warning("%s", warning)
    gr.HTML(style_html())
    key = make_state(sessions.drop)
    with gr.Tabs(elem_id=f"{host.id_prefix}_tabs"):
        with gr.Tab("Photograph"):
            photo = PhotoTab(host, sessions, key)
        with gr.Tab("Several pictures"):
            FolderTab(host, sessions, key, photo.settings)
    return sessions
