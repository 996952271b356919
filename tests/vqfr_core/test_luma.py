import pytest
import torch

from vqfr_core.luma import luma


def test_brightness_by_hand():
    image = torch.tensor([[1.0, 0, 0, 1], [0, 1, 0, 1], [0, 0, 1, 1]]).view(3, 1, 4)
    assert luma(image).shape == (1, 1, 4)
    assert luma(image).flatten().tolist() == pytest.approx([0.299, 0.587, 0.114, 1.0])
    assert luma(image * 255).flatten().tolist() == pytest.approx([76.245, 149.685, 29.07, 255])
