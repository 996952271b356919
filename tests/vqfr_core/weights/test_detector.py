import pytest
import torch
from safetensors.torch import save_file

from vqfr_core.errors import WeightsError
from vqfr_core.weights.build import build_empty
from vqfr_core.weights.detector import load_detector
from vqfr_core.weights.parser import load_parser


def random_state(kind, path):
    """Weights of the right shapes with nothing in them, so that they cost no time."""
    return {
        name: torch.zeros(tensor.shape, dtype=tensor.dtype)
        for name, tensor in build_empty(kind, {}, path).state_dict().items()
    }


def test_packaged_detector_runs(tmp_path):
    found = load_detector(device="cpu", folder=tmp_path)
    assert found.name == "retinaface_mobile0.25" and found.device == torch.device("cpu")
    assert not found.network.training and found.network.mean_tensor.flatten().tolist() == [104.0, 117.0, 123.0]
    with torch.inference_mode():
        boxes, scores, landmarks = found.network(torch.zeros(2, 3, 64, 96))
    anchors = 2 * (8 * 12 + 4 * 6 + 2 * 3)
    assert boxes.shape == (2, anchors, 4) and scores.shape == (2, anchors, 2) and landmarks.shape == (2, anchors, 10)
    assert torch.allclose(scores.sum(-1), torch.ones(2, anchors))


def test_auto_takes_resnet50_when_it_is_present(tmp_path):
    save_file(random_state("retinaface_resnet50", tmp_path), tmp_path / "detection_Resnet50_Final.safetensors")
    found = load_detector(device="cpu", folder=tmp_path)
    assert (found.name, found.path.name) == ("retinaface_resnet50", "detection_Resnet50_Final.safetensors")
    assert not any(tensor.is_meta for tensor in found.network.state_dict().values())
    assert load_detector("retinaface_mobile0.25", device="cpu", folder=tmp_path).name == "retinaface_mobile0.25"


def test_missing_detector_and_wrong_file(tmp_path, tiny_states):
    with pytest.raises(WeightsError, match="detection_Resnet50_Final.pth"):
        load_detector("retinaface_resnet50", device="cpu", folder=tmp_path, download=False)
    save_file(tiny_states["vqfr_v1"], tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="seems to be VQFR v1; RetinaFace ResNet50 or"):
        load_detector(tmp_path / "x.safetensors", device="cpu")


def test_parser_is_optional(tmp_path):
    assert load_parser(device="cpu", folder=tmp_path) is None
    with pytest.raises(WeightsError, match="parsing_parsenet.pth"):
        load_parser("parsenet", device="cpu", folder=tmp_path, download=False)


def test_parsers_load_and_parsenet_comes_first(tmp_path):
    save_file(random_state("bisenet", tmp_path), tmp_path / "parsing_bisenet.safetensors")
    found = load_parser(device="cpu", folder=tmp_path)
    assert found is not None and found.name == "bisenet"
    with torch.inference_mode():
        assert found.network(torch.zeros(1, 3, 64, 64))[0].shape == (1, 19, 64, 64)
    save_file(random_state("parsenet", tmp_path), tmp_path / "parsing_parsenet.safetensors")
    found = load_parser(device="cpu", folder=tmp_path)
    assert found is not None and found.name == "parsenet"


def test_loaded_in_inference_mode_it_is_usable_outside():
    with torch.inference_mode():
        found = load_detector("retinaface_mobile0.25", "cpu")
    assert not any(parameter.is_inference() for parameter in found.network.parameters())
