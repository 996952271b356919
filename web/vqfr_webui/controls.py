"""The core's options as Gradio components that exist in both Gradio 3.41 and 4.40."""

from collections.abc import Callable
from typing import Any

from vqfr_core.options import OptionSpec, option_specs
from vqfr_core.page.controls import control_of, label_with_help

from . import host
from .models import AUTO, current_model, former_models, model_names

ElementId = Callable[[str], str | None]


def option_controls(element_id: ElementId = lambda name: None, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """A component for the model and each option, by name. Basic ones are visible, the others folded.

    element_id: gives the HTML id of a name. Call it inside the Gradio block that will hold them.
    """
    import gradio as gr

    specs = [spec for spec in option_specs() if spec.name not in leave_out]
    controls: dict[str, Any] = {"model": _model_control(element_id("model"))}
    _add_rows([spec for spec in specs if spec.is_basic], controls, element_id)
    with gr.Accordion("More VQFR settings", open=False):
        _add_rows([spec for spec in specs if not spec.is_basic], controls, element_id)
    return {name: controls[name] for name in ("model", *(spec.name for spec in specs))}


def first_value(spec: OptionSpec, place: str) -> Any:
    """What a control shows at first: the default, or the present name of a retired value that the user saved as theirs.

    The WebUI puts saved defaults in later, but of a menu only those it lists. place: what comes before the label in the
    WebUI's file of defaults.
    """
    if not spec.retired:
        return spec.default
    saved = host.saved_default(f"{place}/{spec.label}")
    return spec.current(saved) if saved in tuple(spec.retired) else spec.default


def first_model(place: str) -> str:
    """The same for the model."""
    saved = host.saved_default(f"{place}/Model")
    return current_model(saved) if saved in former_models() else AUTO


def _script_place() -> str:
    return f"customscript/vqfr_webui.py/{host.tab_being_built()}"


def _add_rows(specs: list[OptionSpec], controls: dict[str, Any], element_id: ElementId) -> None:
    """Two in a row, as the WebUI's narrow columns allow."""
    import gradio as gr

    place = _script_place()
    for start in range(0, len(specs), 2):
        with gr.Row():
            for spec in specs[start : start + 2]:
                kind, arguments = control_of(spec)
                controls[spec.name] = getattr(gr, kind)(
                    value=first_value(spec, place),
                    elem_id=element_id(spec.name),
                    **_words(kind, spec.label, spec.help),
                    **arguments,
                )


def _words(kind: str, label: str, help: str) -> dict[str, str]:
    """Label and help. Gradio puts a checkbox's help above it, where it seems to belong to the previous control.

    So a checkbox has its help in the label, by which the WebUI saves its settings: changing the help loses them.
    """
    if kind == "Checkbox":
        return {"label": label_with_help(label, help)}
    return {"label": label, "info": help}


def _model_control(element_id: str | None) -> Any:
    import gradio as gr

    return gr.Dropdown(
        choices=model_names(),
        value=first_model(_script_place()),
        label="Model",
        info="auto picks the best one in models/VQFR, else the small built-in one. "
        "vqfr_v2 and vqfr_v1 are downloaded when first used (about 300 MB).",
        elem_id=element_id,
    )
