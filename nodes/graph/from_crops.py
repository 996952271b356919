"""VQFR_FacesFromCrops."""

from typing import Any

from comfy_api.latest import io

from ...vqfr_core.errors import InputError
from ...vqfr_core.pipeline.restoring.edited import edited_face
from ..faces import Faces
from ..images import check_images, core_image
from ..inputs import FaceSet, faces_input, node_schema


class FacesFromCrops(io.ComfyNode):
    """Crops that other nodes have worked on, ready for Blend Faces."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_FacesFromCrops",
            display_name="Faces from Crops",
            description="Takes crops that other nodes have edited (an upscaler, a sampler, another restorer) back as "
            "faces, so that Blend Faces can put them into their images. Larger crops keep their detail.",
            search_aliases=["paste crops", "edited crops", "uncrop face"],
            inputs=[
                faces_input("The faces the crops were cut from."),
                io.Image.Input(
                    "crops",
                    tooltip="The edited crops, as many as the faces and in the same order; square, up to 4096 px.",
                ),
            ],
            outputs=[
                FaceSet.Output("edited_faces", display_name="faces", tooltip="The edited faces, for Blend Faces.")
            ],
        )

    @classmethod
    def execute(cls, faces: Faces, crops: Any) -> io.NodeOutput:
        pictures, originals = check_images(crops), faces.crops
        if not originals:  # then the crops are the one picture that says so
            return io.NodeOutput(faces.with_restored([], restorer=_EDITED))
        if len(pictures) != len(originals):
            raise InputError(
                f"{len(pictures)} crops were given for {len(originals)} faces; connect the faces that the crops were "
                "cut from, and keep all crops in their order"
            )
        edited = [edited_face(crop, core_image(picture)) for crop, picture in zip(originals, pictures, strict=True)]
        return io.NodeOutput(faces.with_restored(edited, restored_batch=None, restorer=_EDITED))


_EDITED = {"name": "other nodes"}
