from pathlib import Path

import pytest
import torch
from torch import nn

from training.identity import Identity
from vqfr_core.evaluation.identity import MobileFaceNet


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    """With random weights through which a picture's differences get."""
    torch.manual_seed(0)
    network = MobileFaceNet()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    torch.save(network.state_dict(), tmp_path / "id.pt")
    return Identity(tmp_path / "id.pt")


def test_it_is_zero_for_equals_and_grows(identity: Identity) -> None:
    generator = torch.Generator().manual_seed(0)
    face, other = (torch.rand(1, 3, 16, 16, generator=generator) * 2 - 1 for _ in range(2))
    face, other = (torch.nn.functional.interpolate(x, size=(512, 512)) for x in (face, other))
    found = [float(identity(face + share * (other - face), face)) for share in (0.0, 0.1, 1.0)]
    assert found[0] == pytest.approx(0.0, abs=1e-6) and found[0] < found[1] < found[2]


def test_it_looks_at_the_face_and_only_trains_the_answer(identity: Identity) -> None:
    answer = torch.zeros(1, 3, 512, 512, requires_grad=True)
    identity(answer, torch.ones(1, 3, 512, 512)).backward()
    assert answer.grad is not None
    seen = answer.grad.abs().sum(1)[0] > 0
    assert seen[240:300, 200:310].float().mean() > 0.3 and not seen[:16].any() and not seen[:, :16].any()
    assert all(parameter.grad is None for parameter in identity.parameters())
