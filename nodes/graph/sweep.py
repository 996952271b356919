"""VQFR_FidelitySweep."""

from comfy_api.latest import io

from ...vqfr_core.networks.base import Restorer
from ...vqfr_core.networks.fidelity import SWEEP_FIDELITIES
from ...vqfr_core.options import parse_fidelities
from .. import host
from ..describe import comparison_picture
from ..faces import Faces
from ..inputs import Model, faces_input, node_schema, option_input
from ..models import Held
from ..steps import compare

FURTHER_MODELS = ("vqfr_model_2", "vqfr_model_3", "vqfr_model_4")


def _further_model(name: str) -> io.Input:
    return Model.Input(name, optional=True, tooltip="Another model to compare with, such as a GFPGAN.")


class FidelitySweep(io.ComfyNode):
    """Each face at several fidelities or by several models, in one labelled picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_FidelitySweep",
            display_name="Fidelity Sweep",
            description="Shows each face at several fidelities, or by several models, in one labelled picture. A VQFR "
            "model gives several fidelities at about the cost of one, and a v1 does not change above 0.5. A model "
            "without fidelity has one column.",
            search_aliases=["fidelity grid", "compare fidelity", "compare models", "xyz plot"],
            is_output_node=True,
            has_intermediate_output=True,
            inputs=[
                Model.Input("vqfr_model", tooltip="From Load VQFR Model."),
                faces_input("From Detect Faces or Select Faces."),
                io.String.Input(
                    "fidelities",
                    display_name="fidelities",
                    default=", ".join(f"{fidelity:g}" for fidelity in SWEEP_FIDELITIES),
                    tooltip="Comma-separated numbers from 0, the texture alone, to 1, closest to the input.",
                ),
                io.Int.Input(
                    "cell_px",
                    display_name="cell size",
                    default=512,
                    min=64,
                    max=512,
                    step=32,
                    tooltip="Side of each small picture in pixels.",
                ),
                option_input("batch_size"),
                *map(_further_model, FURTHER_MODELS),
            ],
            outputs=[
                io.Image.Output(
                    "grid",
                    display_name="grid",
                    tooltip="A row for each face: the original crop, then a column for each fidelity and model.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        vqfr_model: Held[Restorer],
        faces: Faces,
        fidelities: str,
        cell_px: int,
        batch_size: int,
        vqfr_model_2: Held[Restorer] | None = None,
        vqfr_model_3: Held[Restorer] | None = None,
        vqfr_model_4: Held[Restorer] | None = None,
    ) -> io.NodeOutput:
        further = [model for model in (vqfr_model_2, vqfr_model_3, vqfr_model_4) if model is not None]
        columns = compare(faces, [vqfr_model, *further], parse_fidelities(fidelities), batch_size)
        grid = comparison_picture(columns, cell_px)
        return io.NodeOutput(grid, ui={"images": host.save_previews(grid, cls)})
