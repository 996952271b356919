"""VQFR_BlendFaces."""

from typing import Any

from comfy_api.latest import io

from ...vqfr_core.options import BlendOptions
from .. import host
from ..blending import blend
from ..describe import write_report
from ..faces import Faces
from ..images import check_images, masks_for
from ..inputs import (
    area_input,
    faces_input,
    image_input,
    newer_inputs,
    node_schema,
    option_inputs,
    read_options,
    report_output,
)
from ..models import open_parser

_NEWER = ("detail",)


class BlendFaces(io.ComfyNode):
    """Put restored faces back into their images."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_BlendFaces",
            display_name="Blend Faces",
            description="Puts restored or edited faces back into their images. Outside the masks no pixel changes.",
            search_aliases=["paste face back", "face composite"],
            inputs=[
                image_input("The images the faces were found in, resized if you like."),
                faces_input("From Restore Faces or Faces from Crops."),
                *option_inputs(BlendOptions, without=_NEWER),
                io.Image.Input(
                    "background",
                    optional=True,
                    tooltip="The background of the result, e.g. the image enlarged by an upscale model. "
                    "It sets the result's size; the scale is ignored.",
                ),
                area_input("Nothing outside this mask is changed, e.g. an inpainting mask."),
                *newer_inputs(*_NEWER),
            ],
            outputs=blend_outputs(),
        )

    @classmethod
    def execute(
        cls, image: Any, faces: Faces, background: Any = None, area: Any = None, **settings: Any
    ) -> io.NodeOutput:
        images, options = check_images(image), read_options(BlendOptions, settings)
        result, masks, told = blend(
            images,
            faces,
            options,
            open_parser(options),
            background=None if background is None else check_images(background),
            areas=masks_for(area, len(images), (images.shape[1], images.shape[2])),
            progress=host.progress_bar(len(images)),
        )
        return io.NodeOutput(result, masks, write_report(told, blended=settings))


def blend_outputs() -> list[io.Output]:
    return [
        io.Image.Output("result", display_name="image", tooltip="The images with their restored faces."),
        io.Mask.Output("result_mask", display_name="mask", tooltip="Where and by how much the images were changed."),
        report_output(),
    ]
