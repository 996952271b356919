"""VQFR_DetectFaces."""

from typing import Any

from comfy_api.latest import io

from ...vqfr_core.errors import InputError
from ...vqfr_core.options import FindOptions
from ...vqfr_core.pipeline.finding.areas import boxes_of_mask
from ...vqfr_core.types import Box
from ..images import boxes_for, check_images, masks_for
from ..inputs import area_inputs, check_choice, face_outputs, image_input, node_schema, option_inputs, read_options
from ..models import open_detector
from ..steps import Areas, Boxes, find, take_boxes
from .results import found_result

AREA_USES = ("limit detection", "replace detection")


class DetectFaces(io.ComfyNode):
    """Find the faces of a batch of images and cut them out, upright."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_DetectFaces",
            display_name="Detect Faces",
            description="Finds the faces in each image and crops them, upright. Faces that are too small "
            "or too uncertain are skipped; the preview and the report say which and why.",
            search_aliases=["face detection", "retinaface", "crop faces", "align faces"],
            is_output_node=True,
            has_intermediate_output=True,
            inputs=[
                image_input("One image or a batch; it is not changed."),
                *option_inputs(FindOptions),
                io.Combo.Input(
                    "area_use",
                    display_name="use of area and boxes",
                    options=list(AREA_USES),
                    default=AREA_USES[0],
                    tooltip="limit: only faces found there are used. replace: each box, and each separate part of "
                    "the area, is taken as a face, even where the detector finds none.",
                ),
                *area_inputs(),
            ],
            outputs=face_outputs(),
        )

    @classmethod
    def execute(cls, image: Any, area_use: str, area: Any = None, boxes: Any = None, **settings: Any) -> io.NodeOutput:
        images, options = check_images(image), read_options(FindOptions, settings)
        check_choice("area_use", area_use, AREA_USES)
        size = (images.shape[1], images.shape[2])
        given_boxes, areas = boxes_for(boxes, len(images)), masks_for(area, len(images), size)
        detector = open_detector(options.detector)
        if area_use == AREA_USES[1]:
            return found_result(cls, take_boxes(images, detector, all_boxes(given_boxes, areas, len(images), size)))
        return found_result(cls, find(images, detector, options), boxes=given_boxes, areas=areas)


def all_boxes(boxes: Boxes, areas: Areas, num_images: int, size: tuple[int, int]) -> list[list[Box]]:
    """For each image the given boxes and those around the separate parts of its mask."""
    if boxes is None and areas is None:
        raise InputError("there is nothing to take faces from: connect boxes, or an area with something painted")
    return [
        [*(boxes[index] if boxes else []), *(boxes_of_mask(areas[index], size) if areas else [])]
        for index in range(num_images)
    ]
