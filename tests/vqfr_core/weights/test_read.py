import os
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from vqfr_core.errors import WeightsError
from vqfr_core.weights.hashes import sha256_of
from vqfr_core.weights.read import read_checkpoint, read_metadata, tensor_names
from vqfr_core.weights.torch_file import MOST_TENSORS

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.tensor([1.0, 2.0])}


class WritesFile:
    """Unpickled carelessly, it makes a file: the harmless stand-in for an attack."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


def assert_is_state(found):
    assert sorted(found) == sorted(STATE)
    assert all(torch.equal(found[name], STATE[name]) for name in STATE)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"params": STATE},
        {"params": {"b": torch.zeros(1)}, "params_ema": STATE},
        {"state_dict": STATE, "epoch": 3, "optimizer_states": []},
        {"params": {f"module.{name}": tensor for name, tensor in STATE.items()}},
    ],
)
def test_reads_the_weights_out_of_their_wrappers(tmp_path, content, legacy):
    path = tmp_path / "x.pth"
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    assert_is_state(read_checkpoint(path))


def test_reads_safetensors_under_any_name(tmp_path):
    save_file(STATE, tmp_path / "x.safetensors", {"architecture": "vqfr_v1"})
    assert_is_state(read_checkpoint(tmp_path / "x.safetensors"))
    assert read_metadata(tmp_path / "x.safetensors") == {"architecture": "vqfr_v1"}
    (tmp_path / "x.safetensors").rename(tmp_path / "x.pth.part")
    assert_is_state(read_checkpoint(tmp_path / "x.pth.part"))


def test_leftovers_of_training_are_dropped_by_name(tmp_path):
    more = {"usage": 0, "q.usage": 0, "q.reestimation_reservoir.buffer": 0, "q.usages": 0, "reservoir.buffer": 0}
    save_file(STATE | {name: torch.zeros(1) for name in more}, tmp_path / "x.safetensors")
    assert sorted(set(read_checkpoint(tmp_path / "x.safetensors")) - set(STATE)) == ["q.usages", "reservoir.buffer"]


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("inside", ["alone", "among weights", "archive", "legacy"])
def test_code_is_named_and_not_run(tmp_path, protocol, inside):
    path, target = tmp_path / "x.pth", tmp_path / "made"
    evil = WritesFile(target)
    if inside == "alone":
        path.write_bytes(pickle.dumps(evil, protocol))
    elif inside == "among weights":
        path.write_bytes(pickle.dumps({"params": {"a": evil}}, protocol))
    else:
        content = STATE | {"evil": evil}
        torch.save(content, path, pickle_protocol=max(protocol, 2), _use_new_zipfile_serialization=inside == "archive")
    with pytest.raises(WeightsError, match=r"program code \(\w*io\.open\).*None of it was run"):
        read_checkpoint(path)
    assert not target.exists()


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_torchscript_is_not_run(tmp_path):
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), tmp_path / "x.pt")
    with pytest.raises(WeightsError, match=r"TorchScript|program code"):
        read_checkpoint(tmp_path / "x.pt")


@pytest.mark.parametrize("part", [0.2, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["archive", "legacy", "safetensors"])
def test_cut_off_files_are_refused(tmp_path, kind, part):
    path = tmp_path / ("x.safetensors" if kind == "safetensors" else "x.pth")
    if kind == "safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=kind == "archive")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    with pytest.raises(WeightsError, match="cut off") as failure:
        read_checkpoint(path)
    assert str(path) in str(failure.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
        (b"GGUF\x03\x00\x00\x00", "GGUF"),
        (b"\x1f\x8b\x08\x00", "packed archive"),
        (b"hello, this is not a model" * 9, "not a weight file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "not a weight file"),
        (b"\xff" * 8 + b"{" + bytes(99), "neither a safetensors nor a PyTorch header"),
        ((1000).to_bytes(8, "little") + b"{", "cut off"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, content, reason):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=reason) as failure:
        read_checkpoint(path)
    assert str(path) in str(failure.value)
    assert "weights_only=False" not in str(failure.value)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(WeightsError, match="cannot read"):
            read_checkpoint(path)


def test_zip_without_weights(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.pth", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(WeightsError, match="not a weight file"):
        read_checkpoint(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (torch.zeros(2), "holds a Tensor"),
        ({"optimizers": [], "schedulers": [], "epoch": 1, "iter": 2}, "training state"),
        ({"a": torch.zeros(1), "iter": 3}, r"not tensors \(iter\)"),
        ({"g_ema": {"a": torch.zeros(1)}}, r"not tensors \(g_ema\)"),
        ({}, "no tensors"),
        ({"a": torch.zeros(1), "module.a": torch.zeros(1)}, "with and without"),
    ],
)
def test_files_without_plain_tensors(tmp_path, content, reason):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=reason):
        read_checkpoint(tmp_path / "x.pth")


@pytest.mark.parametrize("kind", ["archive", "legacy", "safetensors"])
def test_names_without_numbers(tmp_path, kind):
    path = tmp_path / "x"
    state = {f"module.{name}": tensor for name, tensor in STATE.items()} | {"quantizer.usage": torch.zeros(1)}
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save({"params": state}, path, _use_new_zipfile_serialization=kind == "archive")
    assert sorted(tensor_names(path)) == sorted(STATE)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(WeightsError, match="cut off"):
        tensor_names(path)


def test_memory_that_does_not_suffice_is_said_with_the_file(tmp_path, monkeypatch):
    def fail(size):
        raise MemoryError

    torch.save(STATE, tmp_path / "x.pth")
    monkeypatch.setattr("vqfr_core.weights.torch_file.bytearray", fail, raising=False)
    with pytest.raises(WeightsError, match=r"x\.pth: its \d+ bytes do not fit into memory"):
        read_checkpoint(tmp_path / "x.pth")


def test_the_loader_of_the_host_is_not_asked(tmp_path, monkeypatch):
    torch.save(STATE, tmp_path / "x.pth")
    monkeypatch.setattr(torch, "load", None)
    assert_is_state(read_checkpoint(tmp_path / "x.pth"))


# --- sizes and messages


def test_what_never_ends_is_not_read(tmp_path):
    pipe, zero, large = (tmp_path / name for name in ("pipe.pth", "zero.pth", "large.pth"))
    os.mkfifo(pipe)
    zero.symlink_to("/dev/zero")
    with large.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(10**10)
    for path, reason in ((pipe, "a device or a pipe"), (zero, "a device or a pipe"), (large, "10000000000 bytes")):
        for read in (read_checkpoint, read_metadata, sha256_of):
            with pytest.raises(WeightsError, match=reason) as failure:
                read(path)
            assert str(path) in str(failure.value)


def test_a_large_file_has_to_begin_like_weights(tmp_path):
    path = tmp_path / "x.pth"
    with path.open("wb") as file:
        file.truncate(10**9)
    with pytest.raises(WeightsError, match="neither a safetensors nor a PyTorch header"):
        sha256_of(path)


@pytest.mark.parametrize("kind", ["pickle", "safetensors"])
def test_a_message_is_one_printable_line_of_bounded_length(tmp_path, kind):
    path = tmp_path / "x\x1b[31m.pth"
    name = "\x1b]0;title\x07\n" + "n" * (150 if kind == "pickle" else 100_000) + "\u202e"
    if kind == "pickle":
        torch.save({name: {"b": 1}}, path)
    else:
        save_file({name: torch.zeros(1).to(torch.float8_e4m3fn)}, path)
    with pytest.raises(WeightsError) as failure:
        read_checkpoint(path)
    text = str(failure.value)
    assert text.isprintable() and len(text) < 3000
    assert r"x\x1b[31m.pth" in text and r"\x1b]0;title" in text


def test_a_long_name_of_code_is_refused_at_once(tmp_path):
    path = tmp_path / "x.pth"
    path.write_bytes(b"c" + b"a" * 100_000 + b"\ns\n.")
    with pytest.raises(WeightsError, match="a name of more than"):
        read_checkpoint(path)


@pytest.mark.parametrize("kind", ["pickle", "safetensors"])
def test_more_tensors_than_a_network_has(tmp_path, kind):
    state = {f"t{number}": torch.zeros(0) for number in range(MOST_TENSORS + 1)}
    path = tmp_path / "x.pth"
    save_file(state, path) if kind == "safetensors" else torch.save(state, path)
    with pytest.raises(WeightsError, match=f"{MOST_TENSORS + 1} tensors, more than"):
        read_checkpoint(path)


ENTRY = b'{"dtype":"F32","shape":[],"data_offsets":[0,4]}'


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b'{"a":' * 100_000, "not a weight file"),
        (b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4]}}', "not a weight file"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,400]}}', "not a weight file"),
        (b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', "not a weight file"),
        (b'{"a":' + ENTRY + b',"b":' + ENTRY + b"}", "not a weight file"),
        (b"{}" + b" " * 8_000_000, "neither a safetensors"),
    ],
)
def test_safetensors_headers_that_do_not_add_up(tmp_path, header, reason):
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(WeightsError, match=reason) as failure:
        read_checkpoint(path)
    assert str(path) in str(failure.value)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("legacy", [False, True])
def test_tensors_of_other_kinds_are_not_called_damaged(tmp_path, legacy):
    made = {"meta": torch.zeros(2, device="meta"), "sparse": torch.eye(2).to_sparse()}
    for name, tensor in made.items():
        path = tmp_path / f"{name}.pth"
        torch.save({"a": tensor}, path, _use_new_zipfile_serialization=not legacy)
        with pytest.raises(WeightsError, match="of another kind") as failure:
            read_checkpoint(path)
        assert "damaged" not in str(failure.value)
