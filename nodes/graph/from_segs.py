"""VQFR_SegsToFaces and VQFR_FacesToSegs: to and from the Impact Pack."""

from typing import Any

from comfy_api.latest import io

from ..faces import Faces
from ..images import boxes_of_segs, check_images, segs_of_masks
from ..inputs import face_outputs, faces_input, image_input, node_schema, option_input
from ..models import open_detector
from ..outlines import outline
from ..steps import take_boxes
from .results import found_result


class SegsToFaces(io.ComfyNode):
    """A face for each segment, instead of detection."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_SegsToFaces",
            display_name="SEGS to Faces",
            description="Turns segments from an Impact Pack detector into faces. Our detector only locates the eyes, "
            "nose and mouth in them.",
            has_intermediate_output=True,
            inputs=[
                image_input("The image the segments were found in; it is not changed."),
                io.SEGS.Input("segs", display_name="SEGS", tooltip="From a detector of the Impact Pack."),
                option_input("detector"),
            ],
            outputs=face_outputs(),
        )

    @classmethod
    def execute(cls, image: Any, segs: Any, detector: str) -> io.NodeOutput:
        images = check_images(image)
        boxes = boxes_of_segs(segs, (images.shape[1], images.shape[2]))
        return found_result(cls, take_boxes(images, open_detector(detector), [boxes] * len(images)))


class FacesToSegs(io.ComfyNode):
    """The faces as segments, for the detailers of the Impact Pack."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_FacesToSegs",
            display_name="Faces to SEGS",
            description="The faces as segments for the Impact Pack's detailers; a list with one SEGS for each image.",
            inputs=[
                faces_input("From Detect Faces or Select Faces."),
                io.Float.Input(
                    "crop_factor",
                    display_name="crop factor",
                    default=3.0,
                    min=1.0,
                    max=10.0,
                    step=0.1,
                    tooltip="Size of the region a detailer works on, as a multiple of the face's box.",
                ),
            ],
            outputs=[
                io.SEGS.Output("segs", display_name="SEGS", tooltip="One for each image.", is_output_list=True),
            ],
        )

    @classmethod
    def execute(cls, faces: Faces, crop_factor: float) -> io.NodeOutput:
        segs = []
        for entry in faces.by_image:
            masks = [outline(face.crop, faces.size, "soft") for face in entry.used if face.crop is not None]
            found = entry.detections.faces
            segs.append(segs_of_masks(masks, faces.size, [f.box for f in found], [f.score for f in found], crop_factor))
        return io.NodeOutput(segs)
