"""VQFR_Restore: everything in one node."""

from typing import Any, NamedTuple

import torch
from comfy_api.latest import io
from torch import Tensor

from ...vqfr_core.networks.base import Detector, Parser, Restorer
from ...vqfr_core.options import RestoreOptions
from ...vqfr_core.pipeline.blending.background import output_size
from ...vqfr_core.pipeline.portions import IMAGES_AT_ONCE, PIXELS_AT_ONCE
from ...vqfr_core.types import ImageFaces
from .. import host
from ..blending import blend, blend_output
from ..describe import MAX_PREVIEWS, summarize, warn_of_images_without_faces, write_report
from ..faces import Faces, without_pictures
from ..images import check_images, masks_for
from ..inputs import area_input, basic_inputs, image_input, newer_inputs, node_schema, read_options
from ..models import Held, check_model, open_detector, open_model, open_parser, weights_state
from ..steps import Areas, find, leave_sharp, restore, select
from .blend import blend_outputs
from .load_model import model_input

_COMPARED_PX = 1024


class Restore(io.ComfyNode):
    """Image in, image with restored faces out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return node_schema(
            node_id="VQFR_Restore",
            display_name="Restore Faces (simple)",
            description="Finds the faces in each image, restores them and puts them back. Works out of the box: a "
            "small network and a face detector are built in.",
            search_aliases=["face restoration", "face fix", "fix faces", "gfpgan", "codeformer", "reactor"],
            has_intermediate_output=True,
            inputs=[
                image_input("One image, or the frames of a video; not changed."),
                model_input(),
                *basic_inputs(),
                area_input(
                    "Only faces that are at least half inside this mask are restored. One mask, or one for each image."
                ),
                *newer_inputs("only_degraded", "auto_fidelity"),
            ],
            outputs=blend_outputs(),
        )

    @classmethod
    def validate_inputs(cls, model: str | None = None) -> bool | str:
        """In place of the host's check, which accepts only what the menu lists."""
        return check_model(model)

    @classmethod
    def fingerprint_inputs(cls, model: str = "auto", **others: Any) -> Any:
        return weights_state(model)

    @classmethod
    def execute(cls, image: Any, model: str, area: Any = None, **settings: Any) -> io.NodeOutput:
        images, options = check_images(image), read_options(RestoreOptions, settings)
        areas = masks_for(area, len(images), (images.shape[1], images.shape[2]))
        networks = _Networks(
            open_model(model, options.precision), open_detector(options.detector), open_parser(options)
        )
        result, masks, faces = _restore_in_parts(images, options, areas, networks)
        warn_of_images_without_faces(faces)
        shown = {
            "vqfr_before": host.save_previews(_preview(images), cls),
            "vqfr_after": host.save_previews(_preview(result), cls),
            "vqfr_summary": [summarize(faces)],
        }
        return io.NodeOutput(result, masks, write_report(faces, blended=settings), ui=shown)


class _Networks(NamedTuple):
    model: Held[Restorer]
    detector: Held[Detector]
    parser: Held[Parser] | None


def _restore_in_parts(
    images: Tensor, options: RestoreOptions, areas: Areas, networks: _Networks
) -> tuple[Tensor, Tensor, Faces]:
    """A few images at a time: enough for full batches of faces, few enough that crops fit in memory."""
    size = output_size((images.shape[1], images.shape[2]), options.scale)
    result, masks = blend_output(len(images), size, images.shape[3])
    at_once = max(1, min(IMAGES_AT_ONCE, PIXELS_AT_ONCE // images[0].numel()))
    done: list[ImageFaces] = []
    for start in range(0, len(images), at_once):
        part = slice(start, min(start + at_once, len(images)))
        found = find(images[part], networks.detector, options)
        chosen = select(found, options, areas=None if areas is None else areas[part])
        if options.only_degraded:
            chosen = leave_sharp(chosen, networks.model.network.crop_px)
        fidelity = None if options.auto_fidelity else options.fidelity
        restored = restore(chosen, networks.model, fidelity, options.batch_size, _progress(part, len(images)))
        into = (result[part], masks[part])
        _, _, told = blend(images[part], restored, options, networks.parser, out=into)
        done += map(without_pictures, told.by_image)
    return result, masks, Faces(images, done)


def _progress(part: slice, num_images: int) -> host.FaceProgress:
    """For the faces of some of the images, which are blended afterwards."""
    start, end = part.start / num_images, part.stop / num_images
    words = f"images {part.start + 1} to {part.stop} of {num_images}: " if num_images > 1 else ""
    return host.FaceProgress(start, start + 0.9 * (end - start), words)


def _preview(images: Tensor) -> Tensor:
    """The first images, no larger than displayed."""
    first = images[:MAX_PREVIEWS, ..., :3].permute(0, 3, 1, 2)
    factor = _COMPARED_PX / max(first.shape[2:])
    if factor < 1:
        first = torch.nn.functional.interpolate(first, scale_factor=factor, mode="bilinear", antialias=True)
    return first.permute(0, 2, 3, 1).clamp(0, 1)
