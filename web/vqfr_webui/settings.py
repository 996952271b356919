"""The WebUI's settings page: what VQFR does as the WebUI's own face restorer, which has no other controls."""

from typing import Any

from vqfr_core.options import OptionSpec, option_specs
from vqfr_core.page.controls import control_of

from . import host
from .models import AUTO, current_model, former_models, model_names
from .request import Request

LEFT_OUT = ("aligned", "scale")
"""Options that change the picture's size or meaning, which a face restorer must not do."""
_SECTION = ("vqfr", "VQFR")


def add_settings() -> None:
    """Add the settings to the WebUI."""
    import gradio as gr
    from modules import shared

    def add(name: str, info: Any) -> None:
        info.section, info.category_id = _SECTION, "postprocessing"
        shared.opts.add_option(name, info)

    if (saved := host.setting(_key("model"), AUTO)) in former_models():
        host.change_setting(_key("model"), current_model(saved))
    label = "Model of the face restorer VQFR"
    model = shared.OptionInfo(AUTO, label, gr.Dropdown, lambda: {"choices": model_names()}, section=_SECTION)
    add(_key("model"), model.info("these settings are for Restore faces; other places have controls of their own"))
    for spec in _specs():
        _rename_value(spec)
        kind, arguments = control_of(spec)
        option = shared.OptionInfo(spec.default, spec.label, getattr(gr, kind), arguments, section=_SECTION)
        add(_key(spec.name), option.info(spec.help))


def default_request() -> Request:
    """The request from the settings. Raises InputError for a value that is not allowed."""
    values = {spec.name: host.setting(_key(spec.name), spec.default) for spec in _specs()}
    return Request.from_names({"model": host.setting(_key("model"), AUTO), **values})


def _rename_value(spec: OptionSpec) -> None:
    """Rename a value of an earlier version: Gradio refuses to save what its menu does not list."""
    value = host.setting(_key(spec.name), spec.default)
    if value in tuple(spec.retired):
        host.change_setting(_key(spec.name), spec.current(value))


def _specs() -> list[OptionSpec]:
    return [spec for spec in option_specs() if spec.name not in LEFT_OUT]


def _key(name: str) -> str:
    return f"vqfr_{name}"
