"""VQFR_LoadModel."""

from typing import Any

from comfy_api.latest import io

from ..inputs import Model, node_schema, option_input
from ..models import check_model, model_choices, open_model, weights_state


def model_input() -> io.Input:
    return io.Combo.Input(
        "model",
        display_name="model",
        options=model_choices(),
        default="auto",
        tooltip="auto uses VQFR v2, else v1, if its weights are in the model folder, else the small built-in model. "
        "vqfr_v2 and vqfr_v1 are downloaded if missing. Other files in models/vqfr are listed below them. So are "
        "GFPGAN, RestoreFormer and CodeFormer files of other packs.",
    )


class LoadModel(io.ComfyNode):
    """Load weights once; the same settings give the same model."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_LoadModel",
            display_name="Load VQFR Model",
            description="Loads a face restoration network. Missing published weights are downloaded to models/vqfr.",
            search_aliases=["face restore model", "vqfr"],
            inputs=[model_input(), option_input("precision")],
            outputs=[Model.Output("vqfr_model", display_name="model", tooltip="The network, for Restore Faces.")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None = None) -> bool | str:
        """In place of the host's check, which accepts only what the menu lists."""
        return check_model(model)

    @classmethod
    def fingerprint_inputs(cls, model: str, precision: str) -> Any:
        return weights_state(model), precision

    @classmethod
    def execute(cls, model: str, precision: str) -> io.NodeOutput:
        return io.NodeOutput(open_model(model, precision))
