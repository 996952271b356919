"""VQFR_MaskToFaces and VQFR_FacesToMask."""

from typing import Any

from comfy_api.latest import io

from ..faces import Faces
from ..images import check_images, masks_for
from ..inputs import check_choice, face_outputs, faces_input, image_input, node_schema, option_input
from ..models import open_detector
from ..outlines import OUTLINES, draw_outlines
from ..steps import take_boxes
from .detect import all_boxes
from .results import found_result


class MaskToFaces(io.ComfyNode):
    """A face for each area of a mask, instead of detection."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_MaskToFaces",
            display_name="Mask to Faces",
            description="Turns each separate area of a mask into a face, even where the detector finds none. The "
            "detector only locates the eyes, nose and mouth there.",
            has_intermediate_output=True,
            inputs=[
                image_input("One image or a batch; it is not changed."),
                io.Mask.Input(
                    "mask",
                    tooltip="An area for each face, from forehead to chin. One mask, or a batch.",
                ),
                option_input("detector"),
            ],
            outputs=face_outputs(),
        )

    @classmethod
    def execute(cls, image: Any, mask: Any, detector: str) -> io.NodeOutput:
        images = check_images(image)
        size = (images.shape[1], images.shape[2])
        boxes = all_boxes(None, masks_for(mask, len(images), size), len(images), size)
        return found_result(cls, take_boxes(images, open_detector(detector), boxes))


class FacesToMask(io.ComfyNode):
    """Where the faces are, in the images."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_FacesToMask",
            display_name="Faces to Mask",
            description="Draws the faces of each image as a mask of the image's size.",
            search_aliases=["face mask"],
            inputs=[
                faces_input("From Detect Faces or Select Faces."),
                io.Combo.Input(
                    "shape",
                    display_name="shape",
                    options=list(OUTLINES),
                    default="soft",
                    tooltip="soft follows the face, crop is the rotated square that is restored, box is the "
                    "detector's box.",
                ),
            ],
            outputs=[io.Mask.Output("mask", display_name="mask", tooltip="One mask for each image.")],
        )

    @classmethod
    def execute(cls, faces: Faces, shape: str) -> io.NodeOutput:
        check_choice("shape", shape, OUTLINES)
        return io.NodeOutput(draw_outlines(faces, shape))
