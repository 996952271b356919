"""Our own tab: the core's page hosted by the WebUI."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from . import host
from .controls import first_model, first_value
from .models import model_names
from .restoring import borrowed_memory, open_restorer

_ID = "vqfr"
_TARGETS = {"img2img": "Send to img2img", "inpaint": "Send to inpaint", "extras": "Send to extras"}


def build_tab() -> list[tuple[Any, str, str]]:
    """What the WebUI needs for a tab: its blocks, its title, and the end of its HTML id."""
    from vqfr_core.page.build import build_page
    from vqfr_core.page.host import Folders, PageHost, SendTo

    surroundings = PageHost(
        model_names=model_names,
        open_restorer=open_restorer,
        job=_job,
        should_stop=host.is_stopped,
        progress=_show_progress,
        folders=Folders(may_name=host.may_name_folders(), output=host.output_folder),
        send_to=tuple(SendTo(label, _sender(tab)) for tab, label in _TARGETS.items()),
        first_value=lambda spec: first_value(spec, _ID),
        first_model=lambda: first_model(_ID),
        id_prefix="vqfr_tab",
        max_kept_bytes=1 << 30,  # the machine's memory is for the WebUI's models first
    )
    return [(build_page(surroundings), "VQFR", _ID)]


@contextmanager
def _job() -> Iterator[None]:
    with host.job("vqfr"), borrowed_memory():
        yield


def _show_progress(what: str, done: int, total: int) -> None:
    host.show_progress(f"VQFR: {done} of {total} {what}{'s' if total > 1 else ''}", done, total)


def _sender(tab: str) -> Callable[[Any, Any], None]:
    return lambda button, image: host.send_image(button, image, tab)
