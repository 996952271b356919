"""The whole page."""

from typing import Any

from .host import PageHost


def build_page(host: PageHost) -> Any:
    """A gr.Blocks with the page in it, not launched. The installed Gradio decides about its looks (3.41 to 6)."""
    raise NotImplementedError


def add_page(host: PageHost) -> None:
    """The same page, added to the gr.Blocks that is open."""
    raise NotImplementedError
