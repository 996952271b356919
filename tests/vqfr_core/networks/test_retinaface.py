import numpy as np
import pytest
import torch
from torch import nn

from vqfr_core.errors import VqfrError
from vqfr_core.networks.retinaface import RetinaFaceDetector

CPU = torch.device("cpu")


class FixedOutput(nn.Module):
    """Gives chosen numbers for chosen anchors, and keeps what it was given."""

    def __init__(self, num_anchors: int, values: dict[int, tuple[list[float], float, list[float]]]) -> None:
        super().__init__()
        self.boxes, self.landmarks = torch.zeros(1, num_anchors, 4), torch.zeros(1, num_anchors, 10)
        self.scores = torch.zeros(1, num_anchors)
        for anchor, (box, score, landmarks) in values.items():
            self.boxes[0, anchor], self.landmarks[0, anchor] = torch.tensor(box), torch.tensor(landmarks)
            self.scores[0, anchor] = score

    def forward(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        self.given = inputs
        return self.boxes, torch.stack([1 - self.scores, self.scores], dim=-1), self.landmarks


def detector(network: nn.Module) -> RetinaFaceDetector:
    return RetinaFaceDetector(network, "test net", "a test")


def test_decoding_by_hand():
    # 64 x 96 px: 8 * 12 * 2 anchors of step 8, then 4 * 6 * 2 of step 16, then 2 * 3 * 2 of step 32.
    last = 192 + 48 + 12 - 1  # centred on (80, 48), side 512
    second_of_step_8 = 2 * (12 * 1 + 3) + 1  # row 1, column 3: centred on (28, 12), side 32
    network = FixedOutput(
        last + 1,
        {
            second_of_step_8: ([1, -2, 0, 5 * np.log(2)], 0.9, [0, 0, 1, 0, 0, 1, -1, 0, 0, -1]),
            last: ([0, 0, 0, 0], 0.6, [0] * 10),
            7: ([0, 0, 0, 0], 0.2, [0] * 10),
        },
    )
    (faces,) = detector(network).find(torch.zeros(1, 3, 64, 96), 0.5)
    # Counted from the outer edge: centre (28 + 3.2, 12 - 6.4), size 32 x 64. From the first pixel's centre: 0.5 less.
    np.testing.assert_allclose(faces.boxes[0], [14.7, -26.9, 46.7, 37.1], atol=1e-4)
    np.testing.assert_allclose(
        faces.landmarks[0], [(27.5, 11.5), (30.7, 11.5), (27.5, 14.7), (24.3, 11.5), (27.5, 8.3)], atol=1e-4
    )
    np.testing.assert_allclose(faces.boxes[1], [80 - 256.5, 48 - 256.5, 80 + 255.5, 48 + 255.5], atol=1e-4)
    np.testing.assert_allclose(faces.scores, [0.9, 0.6], atol=1e-6)


def test_the_network_gets_bgr_less_the_mean():
    network = FixedOutput(2 * (16 + 4 + 1), {})
    color = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    detector(network).find(color, 0.5)
    torch.testing.assert_close(network.given[0, :, 0, 0], torch.tensor([0 - 104, 127.5 - 117, 255 - 123]))
    detector(network).find(torch.tensor(RetinaFaceDetector.fill).view(1, 3, 1, 1).expand(1, 3, 32, 32), 0.5)
    assert network.given.abs().max() < 1e-4


def test_nan_is_an_error():
    network = FixedOutput(42, {3: ([float("nan")] * 4, 0.9, [0] * 10)})
    with pytest.raises(VqfrError, match="test net gave non-finite numbers"):
        detector(network).find(torch.zeros(1, 3, 32, 32), 0.5)


@pytest.mark.parametrize("backbone", ["mobile0.25", "resnet50"])
@pytest.mark.parametrize("size", [(32, 32), (64, 160)])
def test_facexlib_networks_have_these_outputs(backbone: str, size: tuple[int, int]):
    """Also for ResNet50, whose weights are not in this package: random ones show that all numbers fit together."""
    retinaface = pytest.importorskip("facexlib.detection.retinaface")
    torch.manual_seed(0)
    network = retinaface.RetinaFace(backbone, device=CPU)
    found = detector(network).find(torch.rand(2, 3, *size), 0.0)
    num_anchors = sum(2 * (size[0] // step) * (size[1] // step) for step in (8, 16, 32))
    assert [faces.boxes.shape for faces in found] == [(num_anchors, 4)] * 2
    expected = retinaface.PriorBox(network.cfg, size).forward() * torch.tensor([size[1], size[0]] * 2)
    zero = nn.Module()
    zero.forward = lambda inputs: tuple(torch.zeros(1, num_anchors, n) for n in (4, 2, 10))
    (anchors,) = detector(zero).find(torch.zeros(1, 3, *size), 0.0)
    np.testing.assert_allclose(anchors.boxes[:, :2] + 0.5, (expected[:, :2] - expected[:, 2:] / 2).numpy(), atol=1e-3)
    np.testing.assert_allclose(anchors.boxes[:, 2:] + 0.5, (expected[:, :2] + expected[:, 2:] / 2).numpy(), atol=1e-3)
