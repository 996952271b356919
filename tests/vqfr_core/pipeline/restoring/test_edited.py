from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from vqfr_core.errors import InputError
from vqfr_core.options import BlendOptions
from vqfr_core.pipeline.align import crop_faces
from vqfr_core.pipeline.blending.blend import blend_faces
from vqfr_core.pipeline.blending.finish import finish_faces
from vqfr_core.pipeline.restoring.edited import edit_face
from vqfr_core.types import Box, Face, FaceDetection, ImageFaces, Point

SIDE = 256


@pytest.fixture
def cropped() -> ImageFaces:
    generator = torch.Generator().manual_seed(1)
    coarse = 0.25 + 0.5 * torch.rand((1, 3, 20, 25), generator=generator)  # nothing to clamp, which would add edges
    image = F.interpolate(coarse, (200, 250), mode="bicubic")[0]
    points = [(100, 75), (150, 75), (125, 105), (105, 130), (145, 130)]
    face = FaceDetection(Box(85, 45, 165, 155), tuple(Point(x, y) for x, y in points), 1.0)
    return crop_faces([ImageFaces(image, (200, 250), (Face(face, 3),))], SIDE)[0]


@pytest.mark.parametrize("side_px", [128, 256, 512])
def test_an_unchanged_picture_of_any_size_goes_back_to_its_place(cropped, side_px):
    (face,) = cropped.used
    picture = F.interpolate(face.crop.image[None], (side_px, side_px), mode="bicubic", antialias=True)[0]
    edited = edit_face(face, picture)
    assert edited.restored.shape[-1] == edited.crop.image.shape[-1] == max(SIDE, side_px)
    assert edited.number == 3 and edited.detection is face.detection and face.restored is None
    options = BlendOptions(mask="soft", erode=0.0, feather=0.06, color_match=0.0)
    ((image, mask),) = blend_faces(finish_faces([cropped.with_used([edited])], options))
    assert mask.max() == 1
    assert (image - cropped.image).abs().max() < 0.02


def test_nan_and_large_values_are_refused(cropped):
    (face,) = cropped.used
    for value, text in ((float("nan"), "NaN"), (255.0, "0 to 1")):
        picture = torch.rand(3, SIDE, SIDE)
        picture[0, 7, 9] = value
        with pytest.raises(InputError, match=f"edited crop: .*{text}"):
            edit_face(face, picture)


def test_more_pixels_are_kept(cropped):
    fine = torch.zeros(3, 512, 512)
    fine[:, ::2] = 1.0
    assert torch.equal(edit_face(cropped.used[0], fine).restored, fine)


def test_a_picture_of_the_crops_size_leaves_the_crop_and_is_brought_into_range(cropped):
    face = cropped.used[0]
    edited = edit_face(face, torch.full((3, SIDE, SIDE), 1.5, dtype=torch.float64))
    assert edited.crop is face.crop and torch.equal(edited.restored, torch.ones(3, SIDE, SIDE))


@pytest.mark.parametrize("shape", [(3, 512, 500), (1, 512, 512), (512, 512), (3, 8192, 8192)])
def test_what_cannot_be_a_crop_is_refused(cropped, shape):
    with pytest.raises(InputError, match="edited crop"):
        edit_face(cropped.used[0], torch.zeros(1).expand(shape))


def test_a_face_without_a_crop_is_refused(cropped):
    with pytest.raises(InputError, match="edited crop: the face it belongs to has no crop"):
        edit_face(replace(cropped.used[0], crop=None), torch.zeros(3, SIDE, SIDE))
