"""All differences between Gradio 3.41 (A1111), 4.40 (Forge) and 6 (standalone). No other file checks for a version.

Gradio passes requests, progress and clicks by annotation and position, so they come first in the functions here.
"""

import html
import inspect
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import VqfrError
from ..extras import how_to_install
from .access import Access, AccessMiddleware
from .visitors import VisitorMiddleware

logger = logging.getLogger(__name__)

_CACHE_S = (600, 3600)  # how often to look for files, and how old
_UPLOAD_BYTES = 200 << 20
_MOST_UPLOADS = 10  # of the largest size, at the same time


def import_gradio() -> Any:
    """Gradio; VqfrError with install instructions if it is missing."""
    try:
        import gradio
    except ImportError as error:
        install = how_to_install("ui", "'vqfr-face-restore[ui]'")
        raise VqfrError(
            f"the page needs Gradio, which is not installed here ({error}); install it with: {install}"
        ) from error
    return gradio


def major_version() -> int:
    return int(import_gradio().__version__.split(".")[0])


def open_blocks(title: str) -> Any:
    """A gr.Blocks to use in `with`. It makes no requests to the internet, not even for fonts."""
    gr = import_gradio()
    looks = {} if major_version() >= 6 else {"theme": _theme()}  # since Gradio 6 `launch` takes them
    wanted = {"title": title, "fill_width": True, "delete_cache": _CACHE_S, "analytics_enabled": False}
    return _calm_blocks()(**looks, **_known(gr.Blocks.__init__, wanted))


def _calm_blocks() -> Any:
    """gr.Blocks that answers values no component sends without a traceback in the log."""
    gr = import_gradio()
    if not inspect.iscoroutinefunction(getattr(gr.Blocks, "preprocess_data", None)):  # 3.41
        return gr.Blocks
    quiet = _known(gr.Error.__init__, {"print_exception": False})

    class CalmBlocks(gr.Blocks):  # type: ignore[name-defined, misc]
        async def preprocess_data(self, *values: Any, **named: Any) -> Any:
            try:
                return await super().preprocess_data(*values, **named)
            except Exception as error:
                logger.warning("a request had values that no control of the page sends: %.300r", error)
                raise gr.Error("The page does not understand this request.", **quiet) from error

    return CalmBlocks


def launch(blocks: Any, access: Access | None = None, **settings: Any) -> str:
    """Serve the page in the background until `blocks.close`; gives its address, with the token of `access`.

    access: who may use it; None lets everybody in who can reach it. settings: as in gr.Blocks.launch; those the
    installed Gradio does not know are dropped.
    """
    more = {
        "theme": _theme(),
        "footer_links": [],
        "ssr_mode": False,
        "show_api": False,
        "quiet": True,
        "prevent_thread_lock": True,
        "show_error": True,
    }
    _queue(blocks)
    if access is not None:
        from starlette.middleware import Middleware

        most_bytes = _MOST_UPLOADS * settings.get("max_file_size", _UPLOAD_BYTES)
        own = Middleware(VisitorMiddleware, folder=upload_folder(), most_bytes=most_bytes)
        settings["app_kwargs"] = {"middleware": [Middleware(AccessMiddleware, access=access), own]}
    _, local_url, share_url = blocks.launch(**_known(blocks.launch, more | settings))
    if access is None or share_url:
        return str(share_url or local_url) if access is None else access.address(str(share_url))
    return access.address_elsewhere(local_url) if access.is_open else access.address(local_url)


def _known(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the installed version of the function accepts."""
    parameters = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in parameters}


def upload_folder() -> Path:
    """Where Gradio keeps files, all of which it serves."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir(), "gradio"))


def _queue(blocks: Any) -> None:
    if major_version() >= 4:
        blocks.queue(default_concurrency_limit=4, max_size=64)
    else:
        blocks.queue(concurrency_count=4, max_size=64)


def _theme() -> Any:
    """Gradio's default theme with system fonts and readable help texts."""
    gr = import_gradio()
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    mono = ["ui-monospace", "Consolas", "monospace"]
    theme = gr.themes.Default(primary_hue="blue", font=sans, font_mono=mono)
    return theme.set(
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        button_primary_text_color="white",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
    )


def make_state(on_end: Callable[[Any], None]) -> Any:
    """A gr.State of None for each browser tab; `on_end` gets its value once Gradio notices that the tab is gone."""
    gr = import_gradio()
    return gr.State(None, **_known(gr.State.__init__, {"delete_callback": on_end}))


def on_unload(blocks: Any, leave: Callable[[str], None]) -> None:
    """Call `leave` with the session's hash as soon as a browser tab is closed, if Gradio reports it."""
    gr = import_gradio()
    if not hasattr(blocks, "unload"):
        return

    def left(request: gr.Request) -> None:  # type: ignore[name-defined]
        leave(_client(request))

    blocks.unload(left)


def fill_on_load(blocks: Any, component: Any, content: Callable[[str], Any]) -> None:
    """Give the component its content when a browser opens the page; from the header Accept-Language, "" without one."""
    gr = import_gradio()

    def loaded(request: gr.Request) -> Any:  # type: ignore[name-defined]
        return content(request.headers.get("accept-language", ""))

    blocks.load(loaded, [], [component], show_progress="hidden")


def with_client(function: Callable[..., Any]) -> Callable[..., Any]:
    """For an event: the function gets an id of the browser tab first, "" if Gradio has none."""
    gr = import_gradio()

    def called(request: gr.Request, *values: Any) -> Any:  # type: ignore[name-defined]
        return function(_client(request), *values)

    def streamed(request: gr.Request, *values: Any) -> Any:  # type: ignore[name-defined]
        yield from function(_client(request), *values)

    return streamed if inspect.isgeneratorfunction(function) else called


def _client(request: Any) -> str:
    return getattr(request, "session_hash", None) or ""


def file_paths(value: Any) -> list[Path]:
    """The paths in a gr.File: 3.41 gives temporary files, later versions names."""
    files = [] if value is None else value if isinstance(value, list) else [value]
    return [Path(str(getattr(file, "name", file))) for file in files]


def warn(text: str) -> None:
    """A note that pops up over the page. Gradio shows markup there, and file names may hold some."""
    import_gradio().Warning(html.escape(text))


def on_click_at(image: Any, function: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Call the function with (x, y) in pixels of the shown image, then the inputs, when the image is clicked.

    The events, for `then`.
    """
    gr = import_gradio()

    def clicked(event: gr.SelectData, *values: Any) -> Any:  # type: ignore[name-defined]
        return function(tuple(event.index), *values)

    return [image.select(clicked, list(inputs), list(outputs), show_progress="hidden")]


def on_change(component: Any, function: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Call the function when the user changes a control.

    A slider calls it while it moves if Gradio can drop events that come too fast, else on release; a text when
    finished; a choice at once. Returns the events, for `then`.
    """
    gr = import_gradio()
    listeners, more = [component.input], {}
    if isinstance(component, gr.Slider) and major_version() < 4:
        listeners = [component.release]
    elif isinstance(component, gr.Slider):
        more = {"trigger_mode": "always_last"}
    elif isinstance(component, gr.Textbox):
        listeners = [component.submit, component.blur]
    return [listen(function, list(inputs), list(outputs), show_progress="hidden", **more) for listen in listeners]


def in_browser(listen: Callable[..., Any], script: str, inputs: Sequence[Any], outputs: Sequence[Any]) -> Any:
    """Let an event call a function of the page's scripts, without the server. The event, for `then`."""
    name = "js" if "js" in inspect.signature(listen).parameters else "_js"
    return listen(None, list(inputs), list(outputs), **{name: script})


def make_image(label: str, elem_id: str, **settings: Any) -> Any:
    """A gr.Image for display only, without a share button."""
    gr = import_gradio()
    more = _known(gr.Image.__init__, {"buttons": ["download", "fullscreen"], "alt_text": label})
    return gr.Image(label=label, show_label=False, interactive=False, elem_id=elem_id, **more, **settings)


def make_html(text: str, elem_id: str) -> Any:
    """A gr.HTML as wide as the other components; since Gradio 5 that means without padding."""
    return import_gradio().HTML(text, elem_id=elem_id, elem_classes=["vqfr-flat"])
