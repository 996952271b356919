"""VQFR_RestoreFaces."""

from typing import Any

from comfy_api.latest import io

from ...vqfr_core.errors import InputError
from ...vqfr_core.pipeline.restoring.fidelity_maps import fidelity_maps
from ..describe import picture_batch, write_report
from ..faces import Faces
from ..images import masks_for
from ..inputs import FaceSet, Model, faces_input, node_schema, option_input, report_output
from ..models import Restorer
from ..steps import restore


class RestoreFaces(io.ComfyNode):
    """Send face crops through the network."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_RestoreFaces",
            display_name="Restore Faces",
            description="Restores the faces. Those of all images go through the network together. Blend Faces puts "
            "them back into their images.",
            search_aliases=["face restoration", "face enhance", "gfpgan", "codeformer"],
            inputs=[
                Model.Input("vqfr_model", tooltip="From Load VQFR Model."),
                faces_input("From Detect Faces or Select Faces."),
                *fidelity_inputs(),
                option_input("batch_size"),
                io.Mask.Input(
                    "fidelity_map",
                    optional=True,
                    tooltip="Painted on the image: white where the face is to follow the input, e.g. on the eyes. "
                    "Softened a little. One map, or one for each image.",
                ),
            ],
            outputs=[
                FaceSet.Output("restored_faces", display_name="faces", tooltip="The restored faces, for Blend Faces."),
                io.Image.Output("crops", display_name="crops", tooltip="The restored faces as one batch, 512 px."),
                report_output(),
            ],
        )

    @classmethod
    def execute(
        cls,
        vqfr_model: Restorer,
        faces: Faces,
        fidelity: float,
        fidelity_list: str,
        map_fidelity: float,
        batch_size: int,
        fidelity_map: Any = None,
    ) -> io.NodeOutput:
        values = read_fidelities(fidelity_list) if fidelity_list.strip() else [fidelity] * faces.num_faces
        paintings = masks_for(fidelity_map, len(faces.images), faces.size)
        strength: Any = values if fidelity_list.strip() else fidelity
        if paintings is not None and vqfr_model.network.has_fidelity:
            painted = [paintings[index] for index in faces.image_of_face()]
            strength = fidelity_maps(faces.crops, painted, faces.size, low=values, high=map_fidelity)
        restored = restore(faces, vqfr_model, strength, batch_size)
        pictures = [face.image for face in restored.restored or []]
        return io.NodeOutput(restored, picture_batch(restored.restored_batch, pictures), write_report(restored))


def fidelity_inputs() -> list[io.Input]:
    """One number for all faces, one for each, and one for what is painted on the fidelity map."""
    return [
        option_input("fidelity"),
        io.String.Input(
            "fidelity_list",
            display_name="fidelity list",
            default="",
            tooltip="A fidelity for each face, in the order of the crops, e.g. 0.2, 0.8. Empty: same for all.",
        ),
        io.Float.Input(
            "map_fidelity",
            display_name="map fidelity",
            default=1.0,
            min=0.0,
            max=1.0,
            step=0.05,
            display_mode=io.NumberDisplay.slider,
            tooltip="Fidelity where the fidelity map is white; elsewhere the fidelity above holds.",
        ),
    ]


def read_fidelities(text: str) -> list[float]:
    """Numbers with commas, e.g. "0, 0.5, 1". Raises InputError for anything else."""
    try:
        values = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        values = []
    if not values or not all(0 <= value <= 1 for value in values):
        raise InputError(f"fidelities: {text!r} is no list of numbers from 0 to 1, such as 0, 0.5, 1")
    return values
