import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.align import align_face
from vqfr_core.pipeline.blending.masks import make_masks
from vqfr_core.pipeline.blending.paste import blend_faces
from vqfr_core.pipeline.restoring.edited import edited_face
from vqfr_core.types import Box, FaceDetection, Point


@pytest.fixture
def crop():
    torch.manual_seed(1)
    coarse = 0.25 + 0.5 * torch.rand(1, 3, 40, 50)  # so that nothing has to be clamped, which would add edges
    image = torch.nn.functional.interpolate(coarse, (400, 500), mode="bicubic")[0]
    points = [(200, 150), (300, 150), (250, 210), (210, 260), (290, 260)]
    face = FaceDetection(Box(170, 90, 330, 310), tuple(Point(x, y) for x, y in points), 1.0)
    return image, align_face(image, face)


@pytest.mark.parametrize("side_px", [256, 512, 1024])
def test_an_unchanged_picture_of_any_size_goes_back_to_its_place(crop, side_px):
    image, face_crop = crop
    picture = torch.nn.functional.interpolate(face_crop.image[None], (side_px, side_px), mode="bicubic", antialias=True)
    face = edited_face(face_crop, picture[0])
    assert face.image.shape[-1] == max(512, side_px)
    (masked,) = make_masks([face], kind="soft", regions="skin", erode=0.0, feather=0.06, parser=None)
    blended = blend_faces(image, [masked])
    assert blended.mask.max() == 1
    assert (blended.image - image).abs().max() < 0.02


def test_more_pixels_are_kept(crop):
    _, face_crop = crop
    fine = torch.zeros(3, 1024, 1024)
    fine[:, ::2] = 1.0
    assert torch.equal(edited_face(face_crop, fine).image, fine)


@pytest.mark.parametrize("shape", [(3, 512, 500), (1, 512, 512), (3, 8192, 8192)])
def test_what_cannot_be_a_crop_is_refused(crop, shape):
    with pytest.raises(InputError, match="edited crop"):
        edited_face(crop[1], torch.zeros(1).expand(shape))
