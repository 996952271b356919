"""VQFR_FidelitySweep."""

from comfy_api.latest import io

from ...vqfr_core.networks.base import Restorer
from ...vqfr_core.options import parse_fidelities
from .. import host
from ..describe import sweep_picture
from ..faces import Faces
from ..inputs import Model, faces_input, node_schema, option_input
from ..models import Held
from ..steps import sweep


class FidelitySweep(io.ComfyNode):
    """Each face at several fidelities, in one labelled picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_FidelitySweep",
            display_name="Fidelity Sweep",
            description="Shows each face at several fidelities in one labelled picture, at about the cost of one "
            "restoration. A v1 does not change above 0.5.",
            search_aliases=["fidelity grid", "compare fidelity", "xyz plot"],
            inputs=[
                Model.Input("vqfr_model", tooltip="From Load VQFR Model."),
                faces_input("From Detect Faces or Select Faces."),
                io.String.Input(
                    "fidelities",
                    display_name="fidelities",
                    default="0, 0.25, 0.5, 0.75, 1",
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
            ],
            outputs=[
                io.Image.Output(
                    "grid",
                    display_name="grid",
                    tooltip="A row for each face: the original crop, then a column for each fidelity.",
                )
            ],
        )

    @classmethod
    def execute(
        cls, vqfr_model: Held[Restorer], faces: Faces, fidelities: str, cell_px: int, batch_size: int
    ) -> io.NodeOutput:
        values = parse_fidelities(fidelities)
        grid = sweep_picture(sweep(faces, vqfr_model, values, batch_size), values, cell_px)
        return io.NodeOutput(grid, ui={"images": host.save_previews(grid, cls)})
