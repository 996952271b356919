import numpy as np
import pytest
import torch

from vqfr_core.evaluation.identity import ARCFACE_TEMPLATE, FaceEmbedder, MobileFaceNet, angle_deg
from vqfr_core.evaluation.landmarks import FaceFinder
from vqfr_core.evaluation.weights import MetricFolder
from vqfr_core.pipeline.affine import transform_points
from vqfr_core.pipeline.align import FFHQ_TEMPLATE, estimate_image_to_crop
from vqfr_core.weights.store import WeightStore


@pytest.mark.parametrize(
    ("other", "angle"), [((2.0, 0.0), 0.0), ((0.0, 3.0), 90.0), ((-1.0, 0.0), 180.0), ((1.0, 1.0), 45.0)]
)
def test_angles(other, angle):
    assert angle_deg(np.array([1.0, 0.0]), np.array(other)) == pytest.approx(angle, abs=1e-6)


def test_the_network_has_the_published_shapes():
    network = MobileFaceNet().eval()
    state = network.state_dict()
    assert len(state) == 307 and state["conv3.weight"].shape == (128, 512, 1, 1)
    assert state["features.5.conv.0.0.weight"].shape == (256, 64, 1, 1)
    assert network(torch.zeros(2, 3, 112, 112)).shape == (2, 128)


def test_template_points_go_where_recognition_expects_them():
    matrix = estimate_image_to_crop(ARCFACE_TEMPLATE * 3 + 20, 112, ARCFACE_TEMPLATE)
    np.testing.assert_allclose(transform_points(ARCFACE_TEMPLATE * 3 + 20, matrix), ARCFACE_TEMPLATE, atol=1e-6)
    matrix = estimate_image_to_crop(np.array(FFHQ_TEMPLATE), 112, ARCFACE_TEMPLATE)
    assert np.abs(transform_points(np.array(FFHQ_TEMPLATE), matrix) - ARCFACE_TEMPLATE).max() < 4


def test_one_face_is_nearer_to_itself_than_to_another(metric_weights, photo):
    embed = FaceEmbedder(MetricFolder(metric_weights).find("mobilefacenet"), torch.device("cpu"))
    points = np.array(FaceFinder(WeightStore().open("detector", "retinaface_mobile0.25", "cpu")).find(photo).landmarks)
    own = embed(photo, points)
    brighter = embed((photo * 0.8 + 0.1), points)
    assert angle_deg(own, brighter) < 25
    assert angle_deg(own, embed(photo.flip(2), None)) > 45
