import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vqfr_core.evaluation.perceptual import Lpips
from vqfr_core.evaluation.weights import MetricAbsent, MetricFolder

LAYERS = ((0, 4, 2, 64, 3, 11), (3, 1, 2, 192, 64, 5), (6, 1, 1, 384, 192, 3), (8, 1, 1, 256, 384, 3))
LAYERS += ((10, 1, 1, 256, 256, 3),)
"""Torchvision's number, stride, padding, channels after and before, kernel."""


@pytest.fixture
def random_alexnet(tmp_path):
    generator = torch.Generator().manual_seed(0)
    state = {}
    for number, _, _, after, before, kernel in LAYERS:
        scale = (2 / (before * kernel**2)) ** 0.5
        state[f"features.{number}.weight"] = torch.randn(after, before, kernel, kernel, generator=generator) * scale
        state[f"features.{number}.bias"] = torch.randn(after, generator=generator) * 0.1
    path = tmp_path / "alexnet.pth"
    torch.save(state, path)
    return path


def test_against_the_formula_written_out(random_alexnet, rng):
    """Equation 1 of the paper: unit vectors over the channels, squared difference, weights of the heads, means."""
    lpips = pytest.importorskip("lpips")
    state = torch.load(random_alexnet, weights_only=True)
    heads = torch.load(f"{lpips.__path__[0]}/weights/v0.1/alex.pth", "cpu", weights_only=True)
    images = [torch.from_numpy(rng.random((3, 96, 80), dtype=np.float32)) for _ in range(2)]
    shift, scale = (
        torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1),
        torch.tensor([0.458, 0.448, 0.450]).view(3, 1, 1),
    )
    expected, maps = 0.0, [((x * 2 - 1 - shift) / scale)[None] for x in images]
    for index, (number, stride, padding, *_) in enumerate(LAYERS):
        if number in (3, 6):
            maps = [F.max_pool2d(x, 3, 2) for x in maps]
        weight, bias = state[f"features.{number}.weight"], state[f"features.{number}.bias"]
        maps = [F.relu(F.conv2d(x, weight, bias, stride, padding)) for x in maps]
        first, second = (F.normalize(x, dim=1) for x in maps)
        expected += float((heads[f"lin{index}.model.1.weight"] * (first - second) ** 2).sum(1).mean())
    measure = Lpips(random_alexnet)
    assert measure(*images) == pytest.approx(expected, rel=1e-4)
    assert measure(images[0], images[0]) == 0.0


def test_without_the_package_the_command_is_told(random_alexnet, monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(MetricAbsent, match='pip install "lpips>=0.1.4"'):
        Lpips(random_alexnet)


def test_noise_counts_more_than_a_slight_blur(metric_weights, photo):
    """With real weights; the package's own example pictures gave the published 0.722 and 0.138 when tried by hand."""
    pytest.importorskip("lpips")
    measure = Lpips(MetricFolder(metric_weights).find("alexnet"))
    noisy = (photo + 0.2 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)
    soft = F.avg_pool2d(F.pad(photo[None], (1, 1, 1, 1), mode="replicate"), 3, 1)[0]
    assert 0 < measure(soft, photo) < measure(noisy, photo)
