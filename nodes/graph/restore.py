"""VQFR_RestoreFaces."""

from typing import Any

from comfy_api.latest import io

from ...vqfr_core.errors import InputError
from ...vqfr_core.networks.base import Restorer
from ...vqfr_core.options import NetworkOptions, parse_fidelities
from ...vqfr_core.pipeline.restoring.fidelity_lists import fidelity_by_face
from ...vqfr_core.pipeline.restoring.fidelity_maps import fidelity_maps
from ...vqfr_core.pipeline.restoring.restore import Strength
from .. import host
from ..describe import picture_batch, summarize, write_report
from ..faces import Faces
from ..images import masks_for
from ..inputs import FaceSet, Model, check_like, faces_input, newer_inputs, node_schema, option_input, report_output
from ..models import Held
from ..steps import crop, restore


class RestoreFaces(io.ComfyNode):
    """Send face crops through the network."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_RestoreFaces",
            display_name="Restore Faces",
            description="Restores the faces. Faces of all images share network batches. Blend Faces puts them back "
            "into their images.",
            search_aliases=["face restoration", "face enhance", "gfpgan", "codeformer"],
            inputs=[
                Model.Input("vqfr_model", tooltip="From Load VQFR Model."),
                faces_input("From Detect Faces or Select Faces."),
                *fidelity_inputs(),
                option_input("batch_size"),
                io.Mask.Input(
                    "fidelity_map",
                    optional=True,
                    tooltip="Painted on the image: white where the face should follow the input, e.g. the eyes. "
                    "It is blurred slightly. One map, or one for each image.",
                ),
                *newer_inputs("auto_fidelity"),
            ],
            outputs=[
                FaceSet.Output("restored_faces", display_name="faces", tooltip="The restored faces, for Blend Faces."),
                io.Image.Output("crops", display_name="crops", tooltip="The restored faces as one batch."),
                report_output(),
            ],
        )

    @classmethod
    def execute(
        cls,
        vqfr_model: Held[Restorer],
        faces: Faces,
        fidelity: float,
        fidelity_list: str,
        map_fidelity: float,
        batch_size: int,
        fidelity_map: Any = None,
        auto_fidelity: bool = False,
    ) -> io.NodeOutput:
        options = NetworkOptions(fidelity=fidelity, batch_size=batch_size)
        check_like("fidelity", "map_fidelity", map_fidelity)
        cropped = crop(faces, vqfr_model.network.crop_px)
        values: float | list[float] = options.fidelity
        if fidelity_list.strip():
            values = fidelity_by_face(parse_fidelities(fidelity_list), cropped.by_image)
        strength: Strength = values
        paintings = masks_for(fidelity_map, len(faces.images), faces.size)
        if paintings is not None:
            painted = [paintings[index] for index, entry in enumerate(cropped.by_image) for _ in entry.used]
            strength = fidelity_maps(cropped.crops, painted, faces.size, low=values, high=map_fidelity)
        if auto_fidelity and (fidelity_list.strip() or paintings is not None):
            raise InputError("automatic fidelity chooses for each face: leave fidelity list and fidelity map empty")
        restored = restore(cropped, vqfr_model, None if auto_fidelity else strength, options.batch_size)
        host.say(summarize(restored))
        return io.NodeOutput(restored, picture_batch(restored.restored_batch, []), write_report(restored))


def fidelity_inputs() -> list[io.Input]:
    """One number for all faces, one for each, and one for the painted parts of the fidelity map."""
    return [
        option_input("fidelity"),
        io.String.Input(
            "fidelity_list",
            display_name="fidelity list",
            default="",
            tooltip="A fidelity for each crop, in order, or for each face number, e.g. 0.2, 0.8. Empty: the same for "
            "all.",
        ),
        io.Float.Input(
            "map_fidelity",
            display_name="map fidelity",
            default=1.0,
            min=0.0,
            max=1.0,
            step=0.05,
            display_mode=io.NumberDisplay.slider,
            tooltip="Fidelity where the fidelity map is white; elsewhere the fidelity above applies.",
        ),
    ]
