import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from vqfr_core.options import RestoreOptions
from vqfr_core.report import make_report
from vqfr_core.restoration import Restoration, restored_faces
from vqfr_core.types import Box, Face, FaceCrop, FaceDetection, ImageFaces, MadeBy, Point

MODEL = {"name": "some", "device": "cpu", "precision": "fp32", "fidelity": 0.5}


def restoration(image: torch.Tensor, *faces: Face) -> Restoration:
    found = ImageFaces(None, (2, 2), faces, MadeBy(model=MODEL))
    report = make_report(found, RestoreOptions(), {})
    return Restoration(image, image[:1], restored_faces(found), report, found=found)


@pytest.fixture
def result() -> Restoration:
    image = torch.tensor([[0.0, 1.0, -0.2], [0.5, 0.25, 1.7]])
    return restoration(torch.stack([image, image / 2, image * 0]))


def test_made_by_hand_as_before(result: Restoration):
    made = Restoration(result.image, result.mask, result.faces, result.report)
    assert made.faces is result.faces and made.report is result.report and made.found.faces == ()


def test_as_a_pillow_image(result: Restoration):
    image = result.to_pil()
    assert image.mode == "RGB" and image.size == (3, 2)
    assert image.getpixel((1, 0)) == (255, 128, 0) and image.getpixel((2, 0)) == (0, 0, 0)
    assert image.getpixel((2, 1)) == (255, 217, 0)


def test_as_an_array(result: Restoration):
    assert result.to_array().dtype == np.uint8 and result.to_array().tolist() == np.asarray(result.to_pil()).tolist()
    assert result.to_array(16).dtype == np.uint16 and result.to_array(16)[0, 1].tolist() == [65535, 32768, 0]
    floats = result.to_array(32)
    assert floats.dtype == np.float32 and floats[1, 0].tolist() == [0.5, 0.25, 0.0]


def test_how_notebooks_show_it(result: Restoration):
    with Image.open(io.BytesIO(result._repr_png_())) as shown:
        assert shown.format == "PNG" and np.array_equal(np.asarray(shown), result.to_array())


def test_the_restored_faces_by_number():
    detection = FaceDetection(Box(0, 0, 1, 1), (Point(0, 0),) * 5, 1.0)
    crop = FaceCrop(detection, torch.zeros(3, 2, 2), np.eye(2, 3))
    done = Face(detection, 1, crop=crop, restored=torch.ones(3, 2, 2), mask=torch.ones(1, 2, 2), opacity=0.5)
    first = replace(done, number=0, opacity=0.25)
    result = restoration(torch.zeros(3, 2, 2), done, replace(done, number=2, skipped="not selected"), first)
    assert [face.opacity for face in result.faces] == [0.25, 0.5]
    assert result.faces[0].crop is crop and result.faces[0].image is done.restored and result.faces[0].mask is done.mask
