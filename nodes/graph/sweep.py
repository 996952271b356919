"""VQFR_FidelitySweep."""

from comfy_api.latest import io

from ...vqfr_core.networks.devices import pick_batch_size
from ...vqfr_core.pipeline.restoring.restore import sweep_faces
from .. import host
from ..describe import NO_FACE, message_picture, sweep_picture
from ..faces import Faces
from ..inputs import Model, faces_input, node_schema, option_input
from ..models import Restorer
from .restore import read_fidelities


class FidelitySweep(io.ComfyNode):
    """Each face at several fidelities, in one labelled picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_FidelitySweep",
            display_name="Fidelity Sweep",
            description="Shows each face at several fidelities in one labelled picture, for about the price of one "
            "restoration. Needs a VQFR v2 model; v1 has no fidelity.",
            search_aliases=["fidelity grid", "compare fidelity", "xyz plot"],
            inputs=[
                Model.Input("vqfr_model", tooltip="A VQFR v2 from Load VQFR Model."),
                faces_input("From Detect Faces or Select Faces."),
                io.String.Input(
                    "fidelities",
                    display_name="fidelities",
                    default="0, 0.25, 0.5, 0.75, 1",
                    tooltip="Numbers with commas, from 0, the most realistic texture, to 1, closest to the input.",
                ),
                io.Int.Input(
                    "cell_px",
                    display_name="cell size",
                    default=512,
                    min=64,
                    max=512,
                    step=32,
                    tooltip="The side of each small picture in pixels.",
                ),
                option_input("batch_size"),
            ],
            outputs=[
                io.Image.Output(
                    "grid",
                    display_name="grid",
                    tooltip="A row for each face: the crop as it was, then a column for each fidelity.",
                )
            ],
        )

    @classmethod
    def execute(
        cls, vqfr_model: Restorer, faces: Faces, fidelities: str, cell_px: int, batch_size: int
    ) -> io.NodeOutput:
        values = read_fidelities(fidelities)
        at_once = pick_batch_size(batch_size, vqfr_model.held.device)
        if faces.num_faces:
            vqfr_model.bring(min(at_once, faces.num_faces))
        swept = sweep_faces(
            faces.crops,
            vqfr_model.network,
            values,
            batch_size=at_once,
            progress=host.face_progress(),
            should_stop=host.stop_if_interrupted,
        )
        grid = sweep_picture(swept, values, cell_px) if faces.num_faces else message_picture(NO_FACE)
        return io.NodeOutput(grid, ui={"images": host.save_previews(grid, cls)})
