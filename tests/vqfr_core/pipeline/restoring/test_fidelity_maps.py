import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.affine import transform_points
from vqfr_core.pipeline.align import align_face, aligned_crop
from vqfr_core.pipeline.restoring.fidelity_maps import fidelity_maps
from vqfr_core.types import Box, FaceDetection, Point


def test_a_painting_is_seen_where_the_crop_shows_it():
    image = torch.zeros(3, 200, 300)
    landmarks = tuple(Point(100 + x, 80 + y) for x, y in [(0, 0), (40, 0), (20, 25), (4, 45), (36, 45)])
    crop = align_face(image, FaceDetection(Box(90, 60, 150, 140), landmarks, 1.0))
    painting = torch.zeros(100, 150)  # half the image's size
    painting[35:46, 45:56] = 1.0  # around the left eye
    (fidelity,) = fidelity_maps([crop], [painting], (200, 300), low=0.2, high=0.9)
    assert fidelity.shape == (1, 512, 512)
    eyes = transform_points(landmarks[:2], crop.image_to_crop).round().astype(int)
    assert fidelity[0, eyes[0][1], eyes[0][0]] == pytest.approx(0.9, abs=0.02)
    assert fidelity[0, eyes[1][1], eyes[1][0]] == pytest.approx(0.2)


def test_the_painting_has_no_hard_edge():
    crop = aligned_crop(torch.zeros(3, 512, 512))
    painting = torch.zeros(512, 512)
    painting[:, 256:] = 1.0
    (fidelity,) = fidelity_maps([crop], [painting], (512, 512), low=0.0, high=1.0)
    assert fidelity[0, 256].diff().max() < 0.07
    assert fidelity[0, 256, 0] == 0 and fidelity[0, 256, -1] == 1


def test_each_face_has_its_own_low():
    crops = [aligned_crop(torch.zeros(3, 512, 512))] * 2
    maps = fidelity_maps(crops, [torch.zeros(8, 8)] * 2, (512, 512), low=[0.1, 0.7], high=1.0)
    assert maps.amax((1, 2, 3)).tolist() == pytest.approx([0.1, 0.7])


def test_numbers_that_do_not_fit():
    crop = aligned_crop(torch.zeros(3, 512, 512))
    with pytest.raises(InputError, match="2 fidelities and 1 maps were given for 1 faces"):
        fidelity_maps([crop], [torch.zeros(8, 8)], (512, 512), low=[0.1, 0.7], high=1.0)
    with pytest.raises(InputError, match=r"needs the shape \(H, W\)"):
        fidelity_maps([crop], [torch.zeros(1, 8, 8)], (512, 512), low=0.0, high=1.0)
