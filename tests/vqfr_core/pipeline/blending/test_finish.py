from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vqfr_core.errors import InputError
from vqfr_core.networks.base import Parser
from vqfr_core.options import BlendOptions
from vqfr_core.pipeline.align import FFHQ_TEMPLATE, aligned_faces
from vqfr_core.pipeline.blending.colour import match_colour
from vqfr_core.pipeline.blending.finish import finish_faces, match_face
from vqfr_core.pipeline.blending.grain import transfer_grain
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, ImageFaces, MadeBy, Point

SIDE = 128
FULL = torch.ones(1, SIDE, SIDE)


def random_picture(seed: int, spread: float = 1.0) -> torch.Tensor:
    noise = torch.rand((3, SIDE, SIDE), generator=torch.Generator().manual_seed(seed)) - 0.5
    return 0.5 + spread * noise


def make_face(restored: torch.Tensor | None, crop: torch.Tensor, number: int | None = None) -> Face:
    points = tuple(Point(x / 4, y / 4) for x, y in FFHQ_TEMPLATE)
    detection = FaceDetection(Box(0, 0, 1, 1), points, 1.0)
    return Face(detection, number, crop=FaceCrop(detection, crop, np.eye(2, 3)), restored=restored)


def images_of(*faces: Face) -> list[ImageFaces]:
    return [ImageFaces(None, (SIDE, SIDE), faces, MadeBy(detector="some"))]


def finish(*faces: Face, parser: Parser | None = None, **options: object) -> ImageFaces:
    (finished,) = finish_faces(images_of(*faces), BlendOptions(**options), parser)
    return finished


def test_a_face_takes_colour_and_grain_of_its_own_crop():
    grainy = 0.4 + 0.03 * torch.randn((3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    flat = torch.full((3, SIDE, SIDE), 0.7)
    options = BlendOptions(color_match=1.0, grain=1.0)
    first = match_face(replace(make_face(flat, grainy), mask=FULL), options)
    second = match_face(replace(make_face(flat, torch.full_like(flat, 0.1)), mask=FULL), options)
    assert abs(float(first.restored.mean()) - 0.4) < 0.01 and abs(float(first.restored.std()) - 0.03) < 0.01
    assert abs(float(second.restored.mean()) - 0.1) < 0.001 and float(second.restored.std()) < 0.001
    assert float(flat.mean()) > 0.69  # a new face, the old one as it was


def test_a_face_that_lacks_something_stays_as_it_is():
    face = make_face(random_picture(0), random_picture(1))
    for incomplete in (face, replace(face, mask=FULL, restored=None), replace(face, mask=FULL, crop=None)):
        assert match_face(incomplete, BlendOptions()) is incomplete


def test_each_face_has_noise_of_its_own():
    grainy = 0.5 + 0.06 * torch.randn((3, SIDE, SIDE), generator=torch.Generator().manual_seed(0))
    face = make_face(torch.full((3, SIDE, SIDE), 0.5), grainy)
    first, second = finish(face, face, color_match=0.0, grain=1.0, mask="crop").used
    again = finish(face, face, color_match=0.0, grain=1.0, mask="crop").used[1]
    assert not torch.equal(first.restored, second.restored)
    assert torch.equal(second.restored, again.restored)


def test_masks_then_colours_then_grain():
    restored, crop = random_picture(0, 0.1), random_picture(1, 0.6)
    (face,) = finish(make_face(restored, crop), mask="crop", color_match=0.7, grain=0.5).used
    coloured = match_colour(restored, crop, face.mask, 0.7)
    assert torch.equal(face.restored, transfer_grain(coloured, crop, face.mask, 0.5, 0))
    assert float(face.mask.mean()) > 0.7


def test_nothing_asked_nothing_done_but_a_mask():
    picture = random_picture(0)
    (face,) = finish(make_face(picture, picture.flip(0)), color_match=0.0, grain=0.0).used
    assert torch.equal(face.restored, picture) and face.mask is not None
    assert finish(color_match=1.0, grain=1.0).faces == ()


def test_opacities_multiply():
    face = replace(make_face(random_picture(0), random_picture(1)), opacity=0.5)
    assert finish(face, opacity=0.5).used[0].opacity == 0.25


class SkinParser(Parser):
    crop_px = SIDE

    def run(self, crops: torch.Tensor) -> torch.Tensor:
        return torch.ones((len(crops), SIDE, SIDE), dtype=torch.int64)


def test_the_kind_of_mask_is_noted():
    face = make_face(random_picture(0), random_picture(1))
    parser = SkinParser(nn.Identity(), "skin", "a parser that sees skin")
    assert finish(face).made_by == MadeBy(detector="some", mask="soft")
    assert finish(face, parser=parser).made_by.mask == "parsing"
    assert finish(face, parser=parser, mask="crop").made_by.mask == "crop"
    with pytest.raises(InputError, match="parsing needs a face parser"):
        finish(face, mask="parsing")


def test_skipped_faces_are_left_alone():
    face, other = make_face(random_picture(0), random_picture(1), 1), make_face(None, random_picture(2), 0)
    finished = finish(replace(other, skipped="not selected"), face)
    assert finished.faces[0].mask is None and finished.faces[1].mask is not None


def test_an_aligned_face_gets_its_opacity_alone():
    (entry,) = aligned_faces([random_picture(3)], SIDE)
    entry = entry.with_used([replace(entry.used[0], restored=random_picture(4))])
    (finished,) = finish_faces([entry], BlendOptions(opacity=0.3, grain=1.0))
    assert finished.used[0].opacity == 0.3 and finished.used[0].mask is None and finished.made_by.mask == "none"
    assert torch.equal(finished.used[0].restored, random_picture(4))


def test_several_images_and_the_defaults():
    face = make_face(random_picture(0), random_picture(1))
    first, second = finish_faces(images_of(face) + images_of())
    assert first.used[0].opacity == 1.0 and first.used[0].mask is not None and second.used == []


def test_an_image_without_faces_needs_no_parser():
    (finished,) = finish_faces(images_of(), BlendOptions(mask="parsing"), None)
    assert not finished.faces and finished.made_by.mask == "none"
