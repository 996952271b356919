"""The always-visible script in txt2img and img2img: faces are restored after each generation."""

from typing import Any

from modules import scripts
from modules.ui_components import InputAccordion

from vqfr_core.options import option_specs

from . import generation, once
from .controls import option_controls
from .infotext import MODEL, key_of, pasted_model, pasted_option
from .request import AFTER, BEFORE, MOMENTS, GenerationRequest

_CHECKBOXES = {
    "inpaint_only": "Only inside the inpaint mask (faces that it covers by half; nothing outside of it changes)",
    "save_before": "Also save the picture as it was before (with -before-vqfr in its name)",
}

_USUAL = GenerationRequest()

_APPENDED = ("detail", "only_degraded", "auto_fidelity")
"""Options newer than the script's own controls: positional arguments of programs keep their places."""


class VqfrScript(scripts.Script):
    """Its arguments: whether it is on, options by name (for the API), then one for each of `self._names`."""

    _names: tuple[str, ...] = ()

    def title(self) -> str:
        return "VQFR"

    def show(self, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        import gradio as gr

        with InputAccordion(False, label="VQFR", elem_id=self.elem_id("enabled")) as enabled:
            controls = {**option_controls(self.elem_id, leave_out=("aligned",)), **self._own_controls()}
        controls |= {name: controls.pop(name) for name in _APPENDED}
        self._names = tuple(controls)
        self.infotext_fields = [(enabled, lambda known: MODEL in known), *_paste_fields(controls)]
        self.paste_field_names = [MODEL, *(key_of(name) for name in self._names)]
        return [enabled, gr.State(None), *controls.values()]

    def process(self, p: Any, enabled: bool, named: Any = None, *values: Any) -> None:
        generation.begin(p, enabled, named, dict(zip(self._names, values, strict=False)))

    def postprocess_image(self, p: Any, pp: Any, *args: Any) -> None:
        generation.fix(p, pp, BEFORE)

    def postprocess_image_after_composite(self, p: Any, pp: Any, *args: Any) -> None:
        generation.fix(p, pp, AFTER)

    def postprocess(self, p: Any, processed: Any, *args: Any) -> None:
        once.end(p)

    def _own_controls(self) -> dict[str, Any]:
        import gradio as gr

        moment = gr.Radio(
            choices=list(MOMENTS),
            value=AFTER,
            label="When",
            info="After an inpainted part was composited, which is also after ADetailer, or before that.",
            elem_id=self.elem_id("when"),
        )
        with gr.Row():
            boxes = {
                name: gr.Checkbox(value=getattr(_USUAL, name), label=label, elem_id=self.elem_id(name))
                for name, label in _CHECKBOXES.items()
            }
        return {"when": moment, **boxes}


def _pasted_inpaint_only(known: dict[str, Any]) -> bool | None:
    return known.get(key_of("inpaint_only"), str(_USUAL.inpaint_only)) == "True" if MODEL in known else None


def _paste_fields(controls: dict[str, Any]) -> list[tuple[Any, Any]]:
    """How each control's value is read from a picture's infotext. None leaves the control unchanged."""
    fields: list[tuple[Any, Any]] = [
        (controls["model"], lambda known: pasted_model(known[MODEL]) if MODEL in known else None),
        (controls["when"], lambda known: known.get(key_of("when"), AFTER) if MODEL in known else None),
        (controls["inpaint_only"], _pasted_inpaint_only),
    ]
    for spec in option_specs():
        if spec.name in controls:
            fields.append((controls[spec.name], lambda known, spec=spec: pasted_option(spec, known)))
    return fields
