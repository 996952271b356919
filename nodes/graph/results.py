"""What nodes that find or choose faces give out."""

from comfy_api.latest import io

from ...vqfr_core.pipeline.affine import transform_points
from ...vqfr_core.pipeline.blending.masks import soft_face_mask
from .. import host
from ..describe import draw_previews, mask_batch, picture_batch, warn_of_images_without_faces, write_report
from ..faces import Faces


def face_result(node: type[io.ComfyNode], faces: Faces) -> io.NodeOutput:
    """The outputs of `face_outputs`, with the preview shown on the node."""
    warn_of_images_without_faces(faces)
    previews = draw_previews(faces)
    masks = [
        soft_face_mask(transform_points(crop.detection.landmarks, crop.image_to_crop), crop.image.shape[-1])[0]
        for crop in faces.crops
    ]
    return io.NodeOutput(
        faces,
        picture_batch(faces.crop_batch, [crop.image for crop in faces.crops]),
        mask_batch(masks),
        previews,
        faces.num_faces,
        write_report(faces),
        ui={"images": host.save_previews(previews, node)},
    )
