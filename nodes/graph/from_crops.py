"""VQFR_FacesFromCrops."""

from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ...vqfr_core.errors import InputError
from ...vqfr_core.pipeline import edit_face
from ...vqfr_core.types import ImageFaces, with_all_used
from ..faces import MADE_ELSEWHERE, Faces
from ..images import check_images, core_image
from ..inputs import FaceSet, faces_input, node_schema


class FacesFromCrops(io.ComfyNode):
    """Crops edited by other nodes, ready for Blend Faces."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_FacesFromCrops",
            display_name="Faces from Crops",
            description="Turns crops that other nodes have edited (an upscaler, a sampler, another restorer) back "
            "into faces, so that Blend Faces can put them into their images. Larger crops keep their detail.",
            search_aliases=["paste crops", "edited crops", "uncrop face"],
            inputs=[
                faces_input("The faces the crops were cut from."),
                io.Image.Input(
                    "crops",
                    tooltip="The edited crops, one for each face, in the same order; square, up to 4096 px.",
                ),
            ],
            outputs=[
                FaceSet.Output("edited_faces", display_name="faces", tooltip="The edited faces, for Blend Faces.")
            ],
        )

    @classmethod
    def execute(cls, faces: Faces, crops: Any) -> io.NodeOutput:
        pictures, originals = check_images(crops), faces.used
        if originals and len(pictures) != len(originals):
            raise InputError(
                f"{len(pictures)} crops were given for {len(originals)} faces; connect the faces that the crops were "
                "cut from, and keep all crops in their order"
            )
        # Without faces the crops are a single picture that says so.
        edited = [edit_face(face, core_image(picture)) for face, picture in zip(originals, pictures, strict=False)]
        return io.NodeOutput(faces.changed([_made_elsewhere(entry) for entry in with_all_used(faces.by_image, edited)]))


def _made_elsewhere(entry: ImageFaces) -> ImageFaces:
    return replace(entry, made_by=replace(entry.made_by, model=MADE_ELSEWHERE))
