from pathlib import Path

import pytest
import torch
from PIL import Image

from vqfr_core.pictures import to_tensor
from vqfr_core.pipeline.finding.detect import detect_faces
from vqfr_core.pipeline.finding.find import faces_in_boxes
from vqfr_core.pipeline.finding.select import faces_from_boxes
from vqfr_core.types import Box
from vqfr_core.weights.detector import load_detector

DATA = Path(__file__).parents[3] / "data"


def test_boxes_given_by_hand_get_the_landmarks_of_the_face_inside():
    with Image.open(DATA / "face.jpg") as picture:
        image = to_tensor(picture)
    detector = load_detector("retinaface_mobile0.25", "cpu")
    (found,) = detect_faces([image], detector)
    box = found.faces[0].box
    nothing = Box(2.0, 2.0, 40.0, 50.0)
    face, other = faces_in_boxes(image, [Box(box.x0 - 6, box.y0 - 6, box.x1 + 6, box.y1 + 6), nothing], detector)
    expected = torch.tensor(found.faces[0].landmarks)
    assert (torch.tensor(face.landmarks) - expected).abs().max() < 0.03 * box.width
    assert face.score == other.score == 1.0
    assert other == faces_from_boxes([nothing])[0]
    assert faces_in_boxes(image, [], detector) == []


def test_the_boxes_stay_as_they_were_given():
    box = Box(10.0, 20.0, 60.0, 90.0)
    (face,) = faces_in_boxes(torch.rand(3, 100, 100), [box], load_detector("retinaface_mobile0.25", "cpu"))
    assert face.box == box


@pytest.mark.parametrize("box", [Box(5, 5, 5, 9), Box(0, 0, float("nan"), 3)])
def test_a_box_without_area_is_refused(box):
    with pytest.raises(ValueError, match="box 0"):
        faces_in_boxes(torch.zeros(3, 32, 32), [box], load_detector("retinaface_mobile0.25", "cpu"))
