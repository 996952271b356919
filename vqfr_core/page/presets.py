"""Presets: settings under names of the user's own, kept in their browser (presets.js)."""

import json
from collections.abc import Sequence
from typing import Any

from ..options import option_specs
from .gradio_compat import import_gradio, in_browser


class Presets:
    """A folded section. Create it beside the controls that it keeps."""

    def __init__(self, prefix: str, settings: Sequence[Any]) -> None:
        """settings: the controls in the order of `option_specs`."""
        gr, names = import_gradio(), json.dumps([spec.name for spec in option_specs()])
        with gr.Accordion("Presets", open=False, elem_id=f"{prefix}_presets"):
            name = gr.Dropdown(
                choices=[],
                allow_custom_value=True,
                label="Preset",
                info="Settings without model and background, kept in this browser. Choose one, or name a new one.",
                elem_id=f"{prefix}_preset",
            )
            with gr.Row():
                use, save, remove = (
                    gr.Button(label, size="sm", min_width=60, elem_id=f"{prefix}_preset_{label.lower()}")
                    for label in ("Use", "Save", "Remove")
                )
        in_browser(name.focus, "() => vqfrPresets.offered()", [], [name])
        in_browser(remove.click, "(name) => vqfrPresets.remove(name)", [name], [name])
        kept = [name, *settings]
        in_browser(save.click, f"(name, ...values) => vqfrPresets.save({names}, name, values)", kept, [name])
        self.used = in_browser(
            use.click, f"(name, ...values) => vqfrPresets.use({names}, name, values)", kept, settings
        )
        """The event, for `then`."""
