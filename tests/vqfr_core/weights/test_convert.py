import json

import pytest
import torch
from safetensors.torch import load_file

from vqfr_core.errors import WeightsError
from vqfr_core.weights import catalog
from vqfr_core.weights.catalog import get_record
from vqfr_core.weights.convert import convert_weights, remember_first_sight, verify_weights
from vqfr_core.weights.hashes import sha256_of
from vqfr_core.weights.read import read_checkpoint, read_metadata


@pytest.mark.parametrize("kind", ["vqfr_v1", "vqfr_v2"])
def test_round_trip(tiny_states, tmp_path, kind):
    source = tmp_path / "x.pth"
    torch.save({"params_ema": tiny_states[kind] | {"quantizer.usage": torch.zeros(8)}}, source)
    target = convert_weights(source, tmp_path / "new" / "x.safetensors", extra={"licence": "none"})
    state = load_file(target)
    assert sorted(state) == sorted(tiny_states[kind])
    assert all(torch.equal(state[name], tensor) for name, tensor in tiny_states[kind].items())
    metadata = read_metadata(target)
    sizes = json.loads(metadata.pop("sizes"))
    assert sizes["channels"] == [32] * 6 and sizes["num_codes"] == 8
    assert metadata == {
        "format": "pt",
        "format_version": "1",
        "architecture": kind,
        "source_file": "x.pth",
        "source_sha256": sha256_of(source),
        "licence": "none",
    }
    assert [path.name for path in target.parent.iterdir()] == ["x.safetensors"]


def test_half_precision(tiny_states, tmp_path):
    torch.save(tiny_states["vqfr_v2"], tmp_path / "x.pth")
    full = convert_weights(tmp_path / "x.pth", tmp_path / "full.safetensors")
    half = convert_weights(full, tmp_path / "half.safetensors", half=True)
    assert half.stat().st_size < 0.6 * full.stat().st_size
    facts = verify_weights(half)
    assert facts.dtypes == ("float16",)
    name = "encoder.conv_in.weight"
    assert torch.equal(read_checkpoint(half)[name].float(), tiny_states["vqfr_v2"][name].half().float())


def test_facts(tiny_states, tmp_path):
    path = tmp_path / "VQFR_v1-33a1fac5.pth"
    torch.save(tiny_states["vqfr_v1"], path)
    facts = verify_weights(path)
    assert (facts.architecture, facts.record, facts.hash_matches) == ("vqfr_v1", "vqfr_v1", False)
    assert facts.num_parameters == sum(tensor.numel() for tensor in tiny_states["vqfr_v1"].values())
    assert facts.sha256 == sha256_of(path) and facts.size == path.stat().st_size and facts.dtypes == ("float32",)
    path.rename(tmp_path / "mine.pth")
    facts = verify_weights(tmp_path / "mine.pth")
    assert (facts.record, facts.hash_matches) == (None, None)


def test_packaged_detector_descends_from_the_published_file():
    record = get_record("retinaface_mobile0.25")
    facts = verify_weights(record.packaged_path)
    assert (facts.architecture, facts.record, facts.hash_matches) == (
        "retinaface_mobile0.25",
        "retinaface_mobile0.25",
        True,
    )
    assert facts.metadata["source_sha256"] == record.sha256 and facts.metadata["licence"] == "MIT"


@pytest.mark.parametrize("name", ["vqfr_small2", "retinaface_mobile0.25"])
def test_a_flipped_bit_of_a_packaged_file_is_found(tmp_path, monkeypatch, name):
    record = get_record(name)
    assert verify_weights(record.packaged_path).hash_matches is True
    data = record.packaged_path.read_bytes()
    monkeypatch.setattr(catalog, "PACKAGED_FOLDER", tmp_path)
    path = tmp_path / record.packaged
    for at in (-100, data.index(b"__metadata__") + 20):  # a number, and a word about where it is from
        changed = bytearray(data)
        changed[at] ^= 1
        path.write_bytes(changed)
        assert verify_weights(path).hash_matches is False


def test_a_flipped_bit_of_a_file_without_a_published_hash_is_found(tiny_states, tmp_path):
    """By the archive's checksums; in the format before zip, which has none, by the hash of first sight."""
    path = tmp_path / "VQFR_v2.pth"
    for is_zip in (True, False):
        torch.save(tiny_states["vqfr_v2"], path, _use_new_zipfile_serialization=is_zip)
        data = bytearray(path.read_bytes())
        number = data.index(tiny_states["vqfr_v2"]["encoder.conv_in.weight"].numpy().tobytes())
        facts = verify_weights(path)
        assert (facts.hash_matches, facts.is_first_seen) == (None, False)
        data[number + 40] ^= 1
        if is_zip:
            path.write_bytes(data)
            with pytest.raises(WeightsError, match="differs from its checksum"):
                verify_weights(path)
        else:
            remember_first_sight(facts, tmp_path)
            facts = verify_weights(path)
            assert (facts.hash_matches, facts.is_first_seen) == (True, True)
            path.write_bytes(data)
            facts = verify_weights(path)
            assert (facts.hash_matches, facts.is_first_seen) == (False, True)


def test_first_sights_are_kept_for_published_names_in_the_model_folder_only(tiny_states, tmp_path):
    for name, folder in (("mine.pth", tmp_path), ("VQFR_v2.pth", tmp_path / "other")):
        torch.save(tiny_states["vqfr_v2"], tmp_path / name)
        remember_first_sight(verify_weights(tmp_path / name), folder)
    assert not (tmp_path / "hashes.json").exists() and not (tmp_path / "other").exists()
    remember_first_sight(verify_weights(tmp_path / "VQFR_v2.pth"), tmp_path)
    assert list(json.loads((tmp_path / "hashes.json").read_text())) == ["VQFR_v2.pth"]


def test_damaged_numbers_are_found(tiny_states, tmp_path):
    state = {name: tensor.clone() for name, tensor in tiny_states["vqfr_v1"].items()}
    state["encoder.conv_in.bias"][0] = float("nan")
    torch.save(state, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"non-finite numbers in encoder.conv_in.bias"):
        verify_weights(tmp_path / "x.pth")


def test_bad_source_or_target_leaves_nothing(tiny_states, tmp_path):
    torch.save(
        {"params": {"generator.style.1.weight": torch.zeros(1), "ecd0.0.weight": torch.zeros(1)}}, tmp_path / "g.pth"
    )
    with pytest.raises(WeightsError, match="seems to be GPEN"):
        convert_weights(tmp_path / "g.pth", tmp_path / "g.safetensors")
    torch.save(tiny_states["vqfr_v1"], tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"ending in .safetensors"):
        convert_weights(tmp_path / "x.pth", tmp_path / "y.pth")
    (tmp_path / "y.safetensors").mkdir()
    with pytest.raises(WeightsError, match="cannot write"):
        convert_weights(tmp_path / "x.pth", tmp_path / "y.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.pth", "x.pth", "y.safetensors"]
