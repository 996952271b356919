"""Register everything with the WebUI. Called at startup and at each "Reload UI"."""

from typing import Any

from . import face_restorer
from .restoring import drop_networks
from .routes import add_routes
from .settings import add_settings
from .tab import build_tab
from .xyz import add_axes


def register() -> None:
    """The WebUI drops callbacks when its page is reloaded, but keeps its list of face restorers."""
    from modules import script_callbacks, shared

    face_restorer.register(shared.face_restorers)
    script_callbacks.on_ui_settings(add_settings)
    script_callbacks.on_before_ui(add_axes)
    script_callbacks.on_ui_tabs(build_tab)
    script_callbacks.on_app_started(_on_app_started)
    script_callbacks.on_script_unloaded(drop_networks)


def _on_app_started(demo: Any, app: Any) -> None:
    add_routes(app)
