import pickle
import struct
import tracemalloc
from collections import OrderedDict

import pytest

from vqfr_core.weights.pickle_reader import (
    MOST_INSTRUCTIONS,
    BadPickleError,
    HasCodeError,
    OtherTensorsError,
    Storage,
    StoredTensor,
    read_pickle,
)

FLOATS = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


def tensor(offset=b"K\x00", size=b"K\x02K\x03\x86", stride=b"K\x03K\x01\x86", storage=FLOATS, function=REBUILD):
    return function + b"(" + storage + offset + size + stride + b"\x89}tR"


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reads_what_tables_of_tensors_are_made_of(protocol):
    content = {
        "a": [1, 2.5, True, False, None, -3, 70_000, 2**40],
        "b": ({}, [], (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "name of ä": OrderedDict(x="y", z={5: "five", -1: "minus one"}),
    }
    content["again"] = content["b"]
    found, end = read_pickle(pickle.dumps(content, protocol))
    assert found == content and found["again"] is found["b"]
    assert end == len(pickle.dumps(content, protocol))


def test_a_list_makes_one_table_of_python_2():
    pairs = b"]q\x00]X\x01\x00\x00\x00aaK\x01aa"
    table = b"ccollections\nOrderedDict\n"
    assert read_pickle(table + pairs + b"\x85R.").content == {"a": 1}
    assert read_pickle(b"]" + table + pairs + b"\x85Ra" + table + b"h\x00\x85Ra.").content == [{"a": 1}, {}]


def test_reads_tensors_as_descriptions():
    storage = Storage("0", "float32", 6)
    expected = StoredTensor(storage, 0, (2, 3), (3, 1))
    assert read_pickle(tensor() + b".").content == expected
    assert read_pickle(b"ctorch._utils\n_rebuild_tensor\n(" + FLOATS + b"K\x01))tR.").content == StoredTensor(
        storage, 1, (), ()
    )
    parameter = b"ctorch._utils\n_rebuild_parameter\n" + tensor() + b"\x88ccollections\nOrderedDict\n)R\x87R."
    assert read_pickle(parameter).content == expected
    assert read_pickle(b"ctorch\nSize\nK\x02K\x03\x86\x85R.").content == (2, 3)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"cos\nsystem\n(X\x02\x00\x00\x00lstR.", "os.system"),
        (b"\x8c\x02os\x8c\x06system\x93.", "os.system"),
        (b"(ios\nsystem\n.", "os.system"),
        (b"ctorch.jit\nload\n.", "torch.jit.load"),
        (b"ctorch._utils\n_import_dotted_name\n.", "torch._utils._import_dotted_name"),
        (b"cbuiltins\ngetattr\n.", "builtins.getattr"),
        (b"ccollections\nOrderedDict.fromkeys\n.", "OrderedDict.fromkeys"),
        (b"cnumpy.core.multiarray\nscalar\n.", "numpy.core.multiarray.scalar"),
    ],
)
def test_names_beyond_six_are_code(data, name):
    with pytest.raises(HasCodeError, match=name):
        read_pickle(data)


@pytest.mark.parametrize(
    "name",
    [
        "torch._utils\n_rebuild_sparse_tensor",
        "torch._utils\n_rebuild_nested_tensor",
        "torch._utils\n_rebuild_meta_tensor_no_storage",
        "torch._utils\n_rebuild_qtensor",
        "torch._utils\n_rebuild_tensor_v3",
        "torch._tensor\n_rebuild_from_type_v2",
        "torch.storage\nUntypedStorage",
        "torch\nComplexFloatStorage",
        "torch\nQInt8Storage",
    ],
)
def test_other_kinds_of_tensors_are_named(name):
    with pytest.raises(OtherTensorsError, match=name.replace("\n", r"\.")):
        read_pickle(f"c{name}\n.".encode())


BAD = {
    "empty": b"",
    "no end": b"}",
    "nothing on the stack": b".",
    "an endless one": b"N" * (MOST_INSTRUCTIONS + 1),
    "duplicates": b"]" + b"2" * 10_000_000 + b".",
    "nothing but marks": b"(" * MOST_INSTRUCTIONS + b".",
    "a long name": b"c" + b"a" * 100_000 + b"\ns\n.",
    "a name that never ends": b"ca",
    "a text longer than the file": b"X\xff\xff\xff\xffabc.",
    "a text of 2**62": b"\x8d" + struct.pack("<Q", 2**62) + b".",
    "bytes of 2**62": b"\x8e" + struct.pack("<Q", 2**62) + b".",
    "a number of 2**31 digits": b"\x8b" + struct.pack("<i", 2**31 - 1) + b".",
    "not UTF-8": b"X\x01\x00\x00\x00\xff.",
    "an index that was never put": b"h\x05.",
    "an index that is no number": b"Np12x\n.",
    "a huge index": b"Np" + b"9" * 150 + b"\n.",
    "a table as a key": b"}}Ns.",
    "a tuple as a key": b"}))\x86Ns.",
    "a long key": b"}X" + struct.pack("<I", 1000) + b"k" * 1000 + b"Ns.",
    "a huge number as a key": b"}\x8a\x09" + b"\x7f" * 9 + b"Ns.",
    "an entry of no table": b"]NNs.",
    "half an entry": b"}(Nu.",
    "an item of no list": b"}Na.",
    "a call of a text": b"X\x01\x00\x00\x00x)R.",
    "a call of a storage": b"ctorch\nFloatStorage\n)R.",
    "a table of a text": b"ccollections\nOrderedDict\nX\x01\x00\x00\x00x\x85R.",
    "a table of no pairs": b"ccollections\nOrderedDict\n]Na\x85R.",
    "too many arguments": b"ccollections\nOrderedDict\n(NNNtR.",
    "attributes of a list": b"]}b.",
    "attributes of a tensor": tensor() + b")b.",
    "a set": b"\x8f.",
    "a persistent text": b"P12\n.",
    "a persistent list": b"]Q.",
    "a persistent module": b"(X\x06\x00\x00\x00moduleNNNNtQ.",
    "a part of a storage": b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000NK\x06(tK\x01\x85tQ.",
    "a storage of negative length": FLOATS.replace(b"K\x06", b"J\xff\xff\xff\xff") + b".",
    "a tensor without storage": tensor(storage=b"N") + b".",
    "a negative offset": tensor(offset=b"J\xff\xff\xff\xff") + b".",
    "a negative stride": tensor(stride=b"J\xff\xff\xff\xffK\x01\x86") + b".",
    "a size of true": tensor(size=b"\x88K\x01\x86") + b".",
    "more strides than sizes": tensor(stride=b"K\x01\x85") + b".",
    "a hundred dimensions": tensor(size=b"(" + b"K\x01" * 100 + b"t", stride=b"(" + b"K\x01" * 100 + b"t") + b".",
    "conjugated": REBUILD + b"(" + FLOATS + b"K\x00))\x89}}X\x04\x00\x00\x00conj\x88stR.",
    "a parameter of nothing": b"ctorch._utils\n_rebuild_parameter\nN\x88}\x87R.",
    "a long size": b"ctorch\nSize\n(" + b"K\x01" * 100 + b"t\x85R.",
}


@pytest.mark.parametrize("case", BAD)
def test_other_pickles_are_refused_in_one_sentence(case):
    with pytest.raises(BadPickleError) as failure:
        read_pickle(BAD[case])
    assert 10 < len(str(failure.value)) < 300 and not isinstance(failure.value, HasCodeError)


@pytest.mark.parametrize("piece", [b"}\x94", b"}K\x01Ns", b"(", b"\x8a\x08" + b"\x11" * 8, b"\x8c\x01a\x94"])
def test_memory_is_bounded_by_the_number_of_instructions(piece):
    """The bound is 200 MB; the most expensive instructions stay far below at a tenth of their number."""
    data = piece * (MOST_INSTRUCTIONS // 10)
    tracemalloc.start()
    try:
        with pytest.raises(BadPickleError):
            read_pickle(data, 0, MOST_INSTRUCTIONS // 10)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
