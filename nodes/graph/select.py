"""VQFR_SelectFaces."""

from typing import Any

from comfy_api.latest import io

from ...vqfr_core.options import SelectOptions
from ..faces import Faces
from ..images import boxes_for, masks_for
from ..inputs import area_inputs, face_outputs, faces_input, newer_inputs, node_schema, option_inputs, read_options
from ..steps import leave_sharp, select
from .results import face_result


class SelectFaces(io.ComfyNode):
    """Choose among faces by number, size or place."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_SelectFaces",
            display_name="Select Faces",
            description="Keeps some of the faces. In each image they are numbered from 0 in sort order, and keep "
            "their numbers when others are skipped. The preview shows which were chosen, which were not, and why.",
            search_aliases=["face index", "filter faces", "largest face"],
            has_intermediate_output=True,
            inputs=[
                faces_input("From Detect Faces, or restored ones."),
                *option_inputs(SelectOptions),
                *area_inputs(),
                *newer_inputs("only_degraded"),
            ],
            outputs=face_outputs(),
        )

    @classmethod
    def execute(
        cls, faces: Faces, area: Any = None, boxes: Any = None, only_degraded: bool = False, **settings: Any
    ) -> io.NodeOutput:
        num_images = len(faces.images)
        chosen = select(
            faces,
            read_options(SelectOptions, settings),
            boxes=boxes_for(boxes, num_images),
            areas=masks_for(area, num_images, faces.size),
        )
        return face_result(cls, leave_sharp(chosen) if only_degraded else chosen)
