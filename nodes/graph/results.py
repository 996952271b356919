"""The outputs of nodes that find or choose faces."""

from collections.abc import Mapping
from typing import Any

from comfy_api.latest import io

from ...vqfr_core.options import CropOptions, SelectOptions
from .. import host
from ..describe import draw_previews, mask_batch, picture_batch, warn_of_images_without_faces, write_report
from ..faces import Faces
from ..inputs import read_options
from ..outlines import face_masks
from ..steps import Areas, Boxes, crop, select


def found_result(
    node: type[io.ComfyNode],
    found: Faces,
    framing: Mapping[str, Any],
    *,
    boxes: Boxes = None,
    areas: Areas = None,
) -> io.NodeOutput:
    """The outputs for newly found faces: those in the given boxes and areas, numbered by size and cut out.

    framing: from the inputs of `crop_inputs`.
    """
    options = read_options(CropOptions, framing)
    chosen = select(found, SelectOptions(), boxes=boxes, areas=areas)
    return face_result(node, crop(chosen, options.crop_px, options.crop_factor))


def face_result(node: type[io.ComfyNode], faces: Faces) -> io.NodeOutput:
    """The outputs of `face_outputs`, with the preview shown on the node."""
    warn_of_images_without_faces(faces)
    previews = draw_previews(faces)
    return io.NodeOutput(
        faces,
        picture_batch(faces.crop_batch, [crop.image for crop in faces.crops]),
        mask_batch(face_masks(faces)),
        previews,
        len(faces.used),
        write_report(faces),
        ui={"images": host.save_previews(previews, node)},
    )
