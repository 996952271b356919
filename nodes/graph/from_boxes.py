"""VQFR_BoxesToFaces and VQFR_FacesToBoxes."""

from typing import Any

from comfy_api.latest import io

from ..faces import Faces
from ..images import bounding_box, boxes_for, check_images
from ..inputs import AnyBoxes, face_outputs, faces_input, image_input, node_schema, option_input
from ..models import open_detector
from ..steps import take_boxes
from .results import found_result


class BoxesToFaces(io.ComfyNode):
    """A face for each box, instead of detection."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_BoxesToFaces",
            display_name="Boxes to Faces",
            description="Turns boxes drawn by hand or found by another detector into faces. Our detector only "
            "locates the eyes, nose and mouth in them.",
            has_intermediate_output=True,
            inputs=[
                image_input("One image or a batch; it is not changed."),
                AnyBoxes.Input(
                    "boxes",
                    tooltip="In pixels, around the face from forehead to chin: BBOX (x0, y0, x1, y1) or BOUNDING_BOX. "
                    "One list, or one for each image.",
                ),
                option_input("detector"),
            ],
            outputs=face_outputs(),
        )

    @classmethod
    def execute(cls, image: Any, boxes: Any, detector: str) -> io.NodeOutput:
        images = check_images(image)
        given = boxes_for(boxes, len(images)) or [[]] * len(images)
        return found_result(cls, take_boxes(images, open_detector(detector), given))


class FacesToBoxes(io.ComfyNode):
    """Where the faces are, as numbers."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_FacesToBoxes",
            display_name="Faces to Boxes",
            description="The boxes of the faces, for other nodes: as BBOX and as ComfyUI's own BOUNDING_BOX.",
            inputs=[faces_input("From Detect Faces or Select Faces.")],
            outputs=[
                io.BBOX.Output(
                    "boxes",
                    display_name="boxes",
                    tooltip="[x0, y0, x1, y1] in pixels: a list for one image, a list of lists for a batch.",
                ),
                io.Custom("BOUNDING_BOX").Output(
                    "bounding_boxes",
                    display_name="bounding boxes",
                    tooltip="The same as x, y, width, height and score: a list for each image.",
                ),
            ],
        )

    @classmethod
    def execute(cls, faces: Faces) -> io.NodeOutput:
        lists = [[list(face.detection.box) for face in entry.used] for entry in faces.by_image]
        dicts = [[bounding_box(face.detection) for face in entry.used] for entry in faces.by_image]
        return io.NodeOutput(lists[0] if len(lists) == 1 else lists, dicts)
