import numpy as np
import torch

from vqfr_core.pipeline.blending.match import match_faces
from vqfr_core.types import Box, FaceCrop, FaceDetection, Point, RestoredFace


def make_face(restored: torch.Tensor, crop: torch.Tensor) -> RestoredFace:
    detection = FaceDetection(Box(0, 0, 1, 1), (Point(0, 0),) * 5, 1.0)
    return RestoredFace(FaceCrop(detection, crop, np.eye(2, 3)), restored)


def test_faces_take_colour_and_grain_of_their_own_crops() -> None:
    generator = torch.Generator().manual_seed(0)
    grainy = 0.4 + 0.03 * torch.randn((3, 128, 128), generator=generator)
    dark = torch.full((3, 128, 128), 0.1)
    faces = [make_face(torch.full((3, 128, 128), 0.7), crop) for crop in (grainy, dark)]
    first, second = match_faces(faces, color_match=1.0, grain=1.0)
    assert abs(float(first.image.mean()) - 0.4) < 0.01 and abs(float(first.image.std()) - 0.03) < 0.01
    assert abs(float(second.image.mean()) - 0.1) < 0.001 and float(second.image.std()) < 0.001
    assert float(faces[0].image.mean()) > 0.69  # a new face, the old one as it was


def test_each_face_has_noise_of_its_own() -> None:
    grainy = 0.5 + 0.03 * torch.randn((3, 128, 128), generator=torch.Generator().manual_seed(0))
    faces = [make_face(torch.full((3, 128, 128), 0.5), grainy)] * 2
    first, second = match_faces(faces, color_match=0.0, grain=1.0, seed=3)
    again, _ = match_faces(faces, color_match=0.0, grain=1.0, seed=3)
    assert not torch.equal(first.image, second.image)
    assert torch.equal(first.image, again.image)


def test_nothing_asked_nothing_done() -> None:
    picture = torch.rand((3, 64, 64), generator=torch.Generator().manual_seed(0))
    (face,) = match_faces([make_face(picture, picture.flip(0))], color_match=0.0, grain=0.0)
    assert torch.equal(face.image, picture)
    assert match_faces([], color_match=1.0, grain=1.0) == []
