"""VQFR_DetectFaces."""

from typing import Any

from comfy_api.latest import io

from ..convert import boxes_for, check_images, masks_for
from ..inputs import area_inputs, face_outputs, image_input, node_schema, option_inputs, read_options
from ..models import open_finder
from ..steps import find
from .results import face_result


class DetectFaces(io.ComfyNode):
    """Find the faces of a batch of images and cut them out, upright."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_DetectFaces",
            display_name="Detect Faces",
            description="Finds the faces of each image and cuts them out, upright and 512 px large. Faces that are too "
            "small or not sure enough are skipped; the preview and the report say which and why.",
            search_aliases=["face detection", "retinaface", "crop faces", "align faces"],
            inputs=[image_input("One image or a batch; it is not changed."), *option_inputs("detect"), *area_inputs()],
            outputs=face_outputs(),
        )

    @classmethod
    def execute(cls, image: Any, detector: str, area: Any = None, boxes: Any = None, **settings: Any) -> io.NodeOutput:
        images = check_images(image)
        faces = find(
            images,
            open_finder(detector),
            read_options({"detector": detector} | settings),
            boxes=boxes_for(boxes, len(images)),
            areas=masks_for(area, len(images), (images.shape[1], images.shape[2])),
        )
        return face_result(cls, faces)
