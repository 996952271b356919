"""Prepare restored faces for blending: masks, colours, grain and opacity."""

from collections.abc import Sequence
from dataclasses import replace

from ...networks.base import Parser
from ...options import BlendOptions
from ...types import Face, ImageFaces
from .colour import match_colour
from .grain import transfer_grain
from .masks import make_masks, mask_kind
from .occluders import spare_occluders


def finish_faces(
    images: Sequence[ImageFaces], options: BlendOptions | None = None, parser: Parser | None = None
) -> list[ImageFaces]:
    """Give the restored faces masks, the colours and grain of their crops, opacity, and the detail to keep.

    A grey crop gives a neutral face at every strength. Without a parser the mask auto spares what covers a face. An
    aligned face only gets its opacity: nothing surrounds it.

    Args:
        images: with restored faces.
        options: defaults when None.
        parser: for masks by regions, if there is one.

    Raises:
        InputError: the mask needs a parser, a face has not been restored, or no region is chosen.
    """
    settings = options or BlendOptions()
    return [_finish(entry, settings, parser) for entry in images]


def _finish(entry: ImageFaces, options: BlendOptions, parser: Parser | None) -> ImageFaces:
    faces = entry.used
    if faces and not entry.is_aligned:
        made_by = replace(entry.made_by, mask=mask_kind(options.mask, parser))
        masked = make_masks(faces, options, parser)
        if options.mask == "auto" and parser is None:
            masked, entry = _without_occluders(masked, entry)
        faces = [match_face(face, options, seed) for seed, face in enumerate(masked)]
        entry = replace(entry, made_by=made_by)
    return entry.with_used(
        replace(face, opacity=face.opacity * options.opacity, detail=options.detail) for face in faces
    )


def _without_occluders(faces: Sequence[Face], entry: ImageFaces) -> tuple[list[Face], ImageFaces]:
    """The faces with masks that spare what covers them, and the image with a note for each."""
    spared = [spare_occluders(face) for face in faces]
    notes = [
        f"face {face.number}: something seems to cover it and is left as it was; the mask soft restores it, too"
        for face, before in zip(spared, faces, strict=True)
        if face is not before
    ]
    return spared, replace(entry, notes=(*entry.notes, *notes))


def match_face(face: Face, options: BlendOptions, seed: int = 0) -> Face:
    """The face with the colours and, on request, the grain of its crop inside its mask.

    seed: of the grain. A face that lacks a crop, an image or a mask stays as it is.
    """
    if face.crop is None or face.restored is None or face.mask is None:
        return face
    coloured = match_colour(face.restored, face.crop.image, face.mask, options.color_match)
    return replace(face, restored=transfer_grain(coloured, face.crop.image, face.mask, options.grain, seed))
