"""The last steps of the way: masks, colours, blending and the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .loaded import Networks
from .networks.vqfr import Network
from .options import RestoreOptions
from .pipeline.blending.background import output_size, resize_lanczos
from .pipeline.blending.masks import make_masks
from .pipeline.blending.match import match_faces
from .pipeline.blending.paste import Background, blend_faces
from .report import Report, Stopwatch, make_report
from .types import Detections, RestoredFace


@dataclass(frozen=True, eq=False)
class Restoration:
    """A finished image and how it came about."""

    image: Tensor
    """RGB float32 in [0, 1], (3, H * scale, W * scale); (3, 512 * scale, 512 * scale) for an aligned face."""
    mask: Tensor
    """float32 in [0, 1], (1, ...) of the same size: how much of each pixel comes from restored faces."""
    faces: list[RestoredFace]
    """The faces, by number: crops, restored crops and masks."""
    report: Report
    """What was found, used and skipped, with what and how long."""


def finish_image(
    image: Tensor,
    detections: Detections,
    faces: Sequence[RestoredFace],
    networks: Networks,
    network: Network,
    options: RestoreOptions,
    *,
    background: Background | None = None,
    timings_s: Mapping[str, float] | None = None,
) -> Restoration:
    """Put restored faces back into their image (3, H, W), as the options say.

    detections: of the image; its faces are those restored, in that order. networks: for the parser and the names of the
    report. network: the one that restored. timings_s: seconds of the stages before.
    """
    watch = Stopwatch()
    watch.seconds = dict(timings_s or {})
    if options.aligned:
        result, mask, done = _finish_aligned(faces[0], options)
        mask_kind, detector = "none", "none: the input is an aligned face"
    else:
        done, mask_kind = _finish_faces(faces, networks, options, watch)
        with watch.stage("blend"):
            result, mask = blend_faces(image, done, scale=options.scale, background=background)
        detector = networks.detector(options.detector).name
    report = make_report(
        (image.shape[1], image.shape[2]),
        detections,
        network,
        options,
        detector=detector,
        mask=mask_kind,
        timings_s=watch.seconds,
    )
    return Restoration(result, mask, done, report)


def _finish_aligned(face: RestoredFace, options: RestoreOptions) -> tuple[Tensor, Tensor, list[RestoredFace]]:
    image = torch.lerp(face.crop.image, face.image, options.opacity)
    size = output_size((image.shape[1], image.shape[2]), options.scale)
    image = image if size == tuple(image.shape[1:]) else resize_lanczos(image, size)
    return image, torch.full_like(image[:1], options.opacity), [face]


def _finish_faces(
    faces: Sequence[RestoredFace], networks: Networks, options: RestoreOptions, watch: Stopwatch
) -> tuple[list[RestoredFace], str]:
    """The faces with masks, colours, grain and opacity, and the kind of their masks."""
    parser = networks.parser() if options.mask in ("auto", "parsing") and faces else None
    kind = ("parsing" if parser else "soft") if options.mask == "auto" else options.mask
    with watch.stage("mask"):
        masked = make_masks(
            faces,
            kind=options.mask,
            regions=options.regions,
            erode=options.erode,
            feather=options.feather,
            parser=parser,
        )
        matched = match_faces(masked, color_match=options.color_match, grain=options.grain)
    return [replace(face, opacity=face.opacity * options.opacity) for face in matched], kind
