import pickle
import struct
import sys
import zipfile
from collections import OrderedDict

import pytest
import torch

from vqfr_core.weights import torch_file
from vqfr_core.weights.pickle_reader import BadPickleError, HasCodeError, OtherTensorsError, StoredTensor
from vqfr_core.weights.stored_zip import BadZipError
from vqfr_core.weights.torch_file import BadTorchFileError, NotWeightsError, open_torch_file

NUMBERS = torch.arange(24.0)
STATE = OrderedDict(
    whole=NUMBERS.view(2, 3, 4),
    row=NUMBERS.view(2, 3, 4)[1, 2],
    turned=NUMBERS.view(4, 6).t(),
    last=torch.arange(16.0).view(1, 2, 2, 4).contiguous(memory_format=torch.channels_last),
    parameter=torch.nn.Parameter(torch.tensor([1.5, float("nan"), float("-inf")])),
    one=torch.tensor(3),
    none=torch.zeros(0, 3),
    half=torch.tensor([1.0, 65504.0]).half(),
    brain=torch.tensor([1.0, 3e38]).bfloat16(),
    double=torch.tensor([1e300], dtype=torch.float64),
    yes=torch.tensor([True, False]),
    bytes=torch.tensor([1, 255], dtype=torch.uint8),
    small=torch.tensor([-5], dtype=torch.int8),
    short=torch.tensor([-300], dtype=torch.int16),
    int=torch.tensor([-70000], dtype=torch.int32),
)


def read(path):
    file = open_torch_file(path)
    return file.read_tensors({name: t for name, t in file.content.items() if isinstance(t, StoredTensor)})


def save(path, content=STATE, old=False, **more):
    torch.save(content, path, _use_new_zipfile_serialization=not old, **more)
    return path


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and bits(a) == bits(b)


def bits(tensor):
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("old", [False, True])
def test_equal_to_torch_load_bit_for_bit(tmp_path, old, protocol):
    path = save(tmp_path / "x.pth", old=old, pickle_protocol=protocol)
    expected = torch.load(save(tmp_path / "y.pth", old=old), weights_only=True)
    found = read(path)
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert same_bits(found[name], tensor), name
        assert found[name].stride() == tensor.stride() and not found[name].requires_grad
    found["row"].fill_(7)  # what shared a storage still does
    assert found["whole"][1, 2].tolist() == [7] * 4


def test_only_what_is_wanted_is_read(tmp_path, monkeypatch):
    path = save(tmp_path / "x.pth", {"params": {"a": torch.zeros(5)}, "params_ema": {"a": torch.ones(6)}})
    lengths = []
    monkeypatch.setattr(torch_file, "bytearray", lambda size: lengths.append(size) or bytearray(size), raising=False)
    file = open_torch_file(path)
    assert lengths == []
    assert file.read_tensors(file.content["params_ema"])["a"].tolist() == [1] * 6
    assert lengths == [24]


@pytest.mark.parametrize("old", [False, True])
def test_numbers_of_the_other_byte_order_are_turned_round(tmp_path, old, monkeypatch):
    path = save(tmp_path / "x.pth", {"a": torch.tensor([1, 2], dtype=torch.int16)}, old)
    monkeypatch.setattr(sys, "byteorder", "big")
    assert read(path)["a"].tolist() == [256, 512]


def test_a_network_may_be_saved_with_what_belongs_to_it(tmp_path):
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    content = {"state_dict": network.state_dict(), "epoch": 3, "size": torch.Size([2, 3])}
    path = save(tmp_path / "x.pth", content)
    file = open_torch_file(path)
    assert file.content["epoch"] == 3 and file.content["size"] == (2, 3)
    found = file.read_tensors(file.content["state_dict"])
    assert all(same_bits(found[name], tensor) for name, tensor in network.state_dict().items())


# --- made by hand


def persistent(key="0", length=6, kind="FloatStorage", old=False):
    text = b"".join(b"X" + struct.pack("<I", len(word)) + word.encode() for word in (key, "cpu"))
    number = b"\x8a\x08" + struct.pack("<q", length)
    return b"(X\x07\x00\x00\x00storagectorch\n" + kind.encode() + b"\n" + text + number + (b"N" if old else b"") + b"tQ"


def tensor(size=(6,), stride=(1,), offset=0, **storage):
    def numbers(values):
        return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", value) for value in values) + b"t"

    start = b"ctorch._utils\n_rebuild_tensor_v2\n(" + persistent(**storage)
    return start + b"\x8a\x08" + struct.pack("<q", offset) + numbers(size) + numbers(stride) + b"\x89}tR"


def table(**tensors):
    entries = (b"X" + struct.pack("<I", len(name)) + name.encode() + made for name, made in tensors.items())
    return b"}(" + b"".join(entries) + b"u."


def write_zip(path, data, storages=(bytes(24),), method=zipfile.ZIP_STORED, **more):
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("x/data.pkl", data)
        archive.writestr("x/version", "3\n")
        for key, storage in enumerate(storages):
            archive.writestr(f"x/data/{key}", storage)
        for name, content in more.items():
            archive.writestr(f"x/{name}", content)
    return path


def write_old(path, data, keys=("0",), counts=(6,), body=bytes(24), magic=0x1950A86A20F9469CFC6C, protocol=1001):
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2}}
    head = b"".join(pickle.dumps(value, 2) for value in (magic, protocol, system))
    storages = b"".join(struct.pack("<q", count) + body for count in counts)
    path.write_bytes(head + data + pickle.dumps(list(keys), 2) + storages)
    return path


@pytest.mark.parametrize("old", [False, True])
def test_files_made_by_hand_are_like_those_of_pytorch(tmp_path, old):
    data = table(a=tensor(old=old), b=tensor(size=(2,), stride=(3,), offset=2, old=old))
    path = write_old(tmp_path / "x", data) if old else write_zip(tmp_path / "x", data)
    assert {name: tuple(t.shape) for name, t in read(path).items()} == {"a": (6,), "b": (2,)}
    assert {name: tuple(t.shape) for name, t in torch.load(path, weights_only=True).items()} == {"a": (6,), "b": (2,)}


CLAIMS = {
    "one number 2**40 times": tensor(size=(2**20, 2**20), stride=(0, 0)),
    "one row many times": tensor(size=(1000, 6), stride=(0, 1)),
    "rows that overlap": tensor(size=(5, 2), stride=(1, 1)),
    "columns that overlap": tensor(size=(3, 3), stride=(1, 2)),
    "more than there is": tensor(size=(7,)),
    "behind the end": tensor(size=(1,), offset=6),
    "far behind the end": tensor(size=(1,), offset=2**61),
    "steps beyond the end": tensor(size=(2,), stride=(2**61,)),
    "nothing, but in 2**40 rows": tensor(size=(2**40, 0), stride=(1, 1)),
    "a larger storage": tensor(length=7),
    "a storage of 2**61": tensor(size=(2**61,), length=2**61),
    "a smaller storage": tensor(size=(5,), length=5),
    "numbers of another size": tensor(kind="DoubleStorage"),
    "no such storage": tensor(key="1"),
}


@pytest.mark.parametrize("case", CLAIMS)
@pytest.mark.parametrize("old", [False, True])
def test_claims_beyond_the_storage_are_refused(tmp_path, case, old):
    claim = CLAIMS[case]
    if old:
        path = write_old(tmp_path / "x", table(a=claim.replace(b"tQ", b"NtQ")))
    else:
        path = write_zip(tmp_path / "x", table(a=claim))
    with pytest.raises(BadTorchFileError):
        read(path)


def test_many_tensors_of_one_storage_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(torch_file, "_MORE_THAN_FILE", 1000)
    shared = tensor(size=(6000,), length=6000)
    path = write_zip(tmp_path / "x", table(**{f"t{i}": shared for i in range(500)}), [bytes(24_000)])
    with pytest.raises(BadTorchFileError, match="together larger"):
        read(path)
    monkeypatch.setattr(torch_file, "MOST_TENSORS", 10)
    with pytest.raises(BadTorchFileError, match="500 tensors"):
        read(path)


def test_one_storage_is_not_read_as_two_kinds_of_numbers(tmp_path):
    path = write_zip(tmp_path / "x", table(a=tensor(), b=tensor(kind="IntStorage")))
    with pytest.raises(BadTorchFileError, match="disagree"):
        read(path)


def test_packed_members_are_not_unpacked(tmp_path):
    path = write_zip(tmp_path / "x", b"N" * 10**6 + b".", [bytes(10**6)], zipfile.ZIP_DEFLATED)
    with pytest.raises(NotWeightsError, match="packed"):
        open_torch_file(path)


def test_programs_are_named(tmp_path):
    for name in ("constants.pkl", "code/x.py"):
        with pytest.raises(NotWeightsError, match="TorchScript"):
            open_torch_file(write_zip(tmp_path / "x", table(a=tensor()), **{name: b""}))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["meta", "sparse", "nested", "quantized", "float8", "complex", "uint16"])
@pytest.mark.parametrize("old", [False, True])
def test_other_kinds_of_tensors_are_named(tmp_path, kind, old):
    values = {
        "meta": lambda: torch.zeros(2, device="meta"),
        "sparse": lambda: torch.eye(2).to_sparse(),
        "nested": lambda: torch.nested.nested_tensor([torch.zeros(1), torch.zeros(2)]),
        "quantized": lambda: torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.qint8),
        "float8": lambda: torch.zeros(2).to(torch.float8_e4m3fn),
        "complex": lambda: torch.zeros(2, dtype=torch.complex64),
        "uint16": lambda: torch.zeros(2, dtype=torch.uint16),
    }
    path = save(tmp_path / "x.pth", {"a": values[kind]()}, old)
    with pytest.raises((OtherTensorsError, HasCodeError)) as failure:
        open_torch_file(path)
    assert "_rebuild_" in str(failure.value) or "Storage" in str(failure.value)


BAD_ZIPS = {
    "no pickle": lambda path: write_zip(path, b""),
    "something behind the pickle": lambda path: write_zip(path, table(a=tensor()) + b"x"),
    "a pickle of 9 MB": lambda path: write_zip(path, b"N" * 9_000_000),
    "an unknown byte order": lambda path: write_zip(path, table(a=tensor()), byteorder="middle"),
    "a long byte order": lambda path: write_zip(path, table(a=tensor()), byteorder="little" * 10),
}
BAD_OLD = {
    "another magic number": lambda path: write_old(path, table(a=tensor(old=True)), magic=1),
    "another protocol": lambda path: write_old(path, table(a=tensor(old=True)), protocol=1002),
    "no keys": lambda path: write_old(path, table(a=tensor(old=True)), keys=(), counts=()),
    "unknown keys": lambda path: write_old(path, table(a=tensor(old=True)), keys=("1",)),
    "keys that are no names": lambda path: write_old(path, table(a=tensor(old=True)), keys=(1,)),
    "a key twice": lambda path: write_old(path, table(a=tensor(old=True)), keys=("0", "0"), counts=(6, 6)),
    "a million keys": lambda path: write_old(path, table(a=tensor(old=True)), keys=["0"] * 10**6),
    "another count": lambda path: write_old(path, table(a=tensor(old=True)), counts=(5,)),
    "a count of 2**62": lambda path: write_old(path, table(a=tensor(old=True)), counts=(2**62,)),
    "cut off": lambda path: write_old(path, table(a=tensor(old=True)), body=bytes(20)),
    "something behind it": lambda path: write_old(path, table(a=tensor(old=True)), body=bytes(25)),
    "a long start": lambda path: path.write_bytes(b"N" * 1000) and path,
}


@pytest.mark.parametrize("case", BAD_ZIPS | BAD_OLD)
def test_files_that_do_not_add_up_are_refused(tmp_path, case):
    path = (BAD_ZIPS | BAD_OLD)[case](tmp_path / "x")
    with pytest.raises((BadTorchFileError, BadPickleError, BadZipError)) as failure:
        read(path)
    assert len(str(failure.value)) < 300


def test_a_table_in_itself_ends(tmp_path):
    looped = b"}q\x00(X\x01\x00\x00\x00sh\x00" + b"X\x01\x00\x00\x00a" + tensor(old=True) + b"u."
    file = open_torch_file(write_old(tmp_path / "x", looped))
    assert file.content["s"] is file.content and list(file.places) == ["0"]
