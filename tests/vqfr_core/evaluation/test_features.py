import numpy as np
import pytest
import torch

from vqfr_core.evaluation.features import open_features
from vqfr_core.evaluation.weights import MetricAbsent, MetricFolder
from vqfr_core.weights.catalog import WeightRecord


def folder_of(path, name: str) -> MetricFolder:
    """A folder in which this file is the weights of that name, whatever its hash."""
    record = WeightRecord(name, "metric", path.name, (), "none", "here", convertible=False)
    return MetricFolder(path.parent, (record,))


class StandIn(torch.nn.Module):
    """The same call as the published TorchScript file."""

    def forward(self, image: torch.Tensor, return_features: bool = False) -> torch.Tensor:
        return image.float().mean((2, 3)) if return_features else image.float()


def test_absent_weights_have_a_reason(tmp_path, monkeypatch):
    monkeypatch.delenv("VQFR_METRIC_WEIGHTS", raising=False)
    with pytest.raises(MetricAbsent, match=r"--metric-weights or .VQFR_METRIC_WEIGHTS"):
        MetricFolder().find("alexnet")
    with pytest.raises(MetricAbsent, match=r"alexnet_features.pth or .* comes from https"):
        MetricFolder(tmp_path).find("alexnet")
    (tmp_path / "alexnet_features.pth").write_bytes(b"something else")
    with pytest.raises(MetricAbsent, match="another file"):
        MetricFolder(tmp_path).find("alexnet")


def test_a_file_under_either_of_its_names_is_noted(tmp_path):
    record = WeightRecord("x", "metric", "x.pt", (), "none", "here", "12" * 32, aliases=(("x-ba78.pt", "ba78"),))
    folder = MetricFolder(tmp_path, (record,))
    (tmp_path / "x-ba78.pt").write_bytes(b"abc")
    assert folder.find("x") == tmp_path / "x-ba78.pt"
    assert list(folder.used) == ["x-ba78.pt"] and folder.used["x-ba78.pt"].startswith("ba7816bf")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_inception_is_given_bytes_and_asked_for_features(tmp_path):
    torch.jit.script(StandIn()).save(str(tmp_path / "stand_in.pt"))
    describe = open_features("inception", folder_of(tmp_path / "stand_in.pt", "inception"), torch.device("cpu"))
    image = torch.tensor([1.0, 0.5, 0.0]).view(3, 1, 1).expand(3, 8, 8)
    np.testing.assert_allclose(describe(image), [255, 128, 0])


@pytest.mark.slow
def test_alexnet_is_torchvisions(tmp_path, face):
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    network = torchvision.models.alexnet().eval()
    torch.save(network.state_dict(), tmp_path / "alexnet.pth")
    found = open_features("alexnet", folder_of(tmp_path / "alexnet.pth", "alexnet"), torch.device("cpu"))(face)
    small = torch.nn.functional.interpolate(face[None], size=(224, 224), mode="bilinear", antialias=True)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        maps = network.features[:12]((small - mean.view(3, 1, 1)) / std.view(3, 1, 1))
    np.testing.assert_allclose(found, maps.mean((2, 3))[0].numpy(), rtol=1e-4, atol=1e-6)
