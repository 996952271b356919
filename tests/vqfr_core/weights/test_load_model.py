import hashlib

import pytest
import torch
from safetensors.torch import save_file

from vqfr_core.errors import InputError, WeightsError
from vqfr_core.weights import catalog
from vqfr_core.weights.load_model import load_model


@pytest.fixture(autouse=True)
def no_packaged_model(monkeypatch, tmp_path):
    (tmp_path / "packaged").mkdir()
    monkeypatch.setattr(catalog, "PACKAGED_FOLDER", tmp_path / "packaged")
    monkeypatch.setattr("vqfr_core.weights.hashes.packaged_problem", lambda record, sha256: None)


@pytest.mark.parametrize("generation", [1, 2])
def test_loads_a_file_and_says_what_it_is(tiny_states, tmp_path, generation):
    path = tmp_path / "mine.pth"
    torch.save({"params": tiny_states[f"vqfr_v{generation}"]}, path)
    network = load_model(path, device="cpu")
    info = network.info
    assert (info.name, info.generation, info.path, info.source) == ("mine", generation, path, "file")
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert network.codes(torch.zeros(1, 3, 64, 64)).shape == (1, 4)
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 3, 64, 64)


def test_half_weights_become_float32_unless_asked(tiny_states, tmp_path):
    half = {name: tensor.half() for name, tensor in tiny_states["vqfr_v2"].items()}
    save_file(half, tmp_path / "h.safetensors", {"architecture": "vqfr_v2"})
    network = load_model(tmp_path / "h.safetensors", device="cpu")
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert network.info.metadata == {"architecture": "vqfr_v2"}
    network = load_model(tmp_path / "h.safetensors", device="cpu", dtype=torch.bfloat16)
    assert network.get_parameter("decoder.conv_out.2.bias").dtype == torch.bfloat16
    assert network.get_parameter("quantizer.embedding.weight").dtype == torch.float32


def test_auto_takes_the_best_present(tiny_states, tmp_path):
    packaged, folder, more = tmp_path / "packaged", tmp_path / "folder", tmp_path / "more"
    with pytest.raises(WeightsError, match="no restorer weights") as failure:
        load_model(device="cpu", folder=folder)
    assert str(folder) in str(failure.value) and "VQFR_v2.pth" in str(failure.value)
    folder.mkdir()
    more.mkdir()
    save_file(tiny_states["vqfr_v2"], packaged / "vqfr_small2.safetensors")
    save_file(tiny_states["vqfr_v1"], more / "VQFR_v1-33a1fac5.safetensors")
    info = load_model(device="cpu", folder=folder).info
    assert (info.name, info.source, info.generation) == ("vqfr_small2", "embedded", 2)
    info = load_model(device="cpu", folder=folder, search=[more]).info
    assert (info.name, info.source) == ("vqfr_v1", "file")
    torch.save(tiny_states["vqfr_v2"], folder / "VQFR_v2.pth")
    assert load_model(device="cpu", folder=folder, search=[more]).info.name == "vqfr_v2"
    assert load_model("vqfr_small2", device="cpu", folder=folder).info.source == "embedded"


def test_name_of_a_file_in_the_folders(tiny_states, tmp_path):
    save_file(tiny_states["vqfr_v1"], tmp_path / "mine.safetensors")
    assert load_model("mine.safetensors", device="cpu", folder=tmp_path).info.name == "mine"
    with pytest.raises(WeightsError, match=r"no file yours.safetensors.*known restorers are vqfr_v2"):
        load_model("yours.safetensors", device="cpu", folder=tmp_path)


def test_without_download_it_says_where_to_put_the_file(tmp_path):
    with pytest.raises(WeightsError, match="put it into") as failure:
        load_model("vqfr_v1", device="cpu", folder=tmp_path, download=False)
    assert "VQFR_v1-33a1fac5.pth" in str(failure.value) and str(tmp_path) in str(failure.value)
    with pytest.raises(WeightsError, match="part of this package"):
        load_model("vqfr_small2", device="cpu", folder=tmp_path)


def test_wrong_file_under_a_known_name_is_refused(tiny_states, tmp_path):
    torch.save(tiny_states["vqfr_v1"], tmp_path / "VQFR_v1-33a1fac5.pth")
    with pytest.raises(WeightsError, match="starting with 33a1fac5"):
        load_model("vqfr_v1", device="cpu", folder=tmp_path)


def test_a_number_format_without_a_name_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"float64.*torch.float16"):
        load_model("vqfr_small2", device="cpu", dtype=torch.float64)
