import io
import struct
import zipfile

import pytest
import torch

from vqfr_core.weights.stored_zip import BadZipError, damaged_member, read_members


def archive(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        for name, content in members.items():
            writer.writestr(name, content)
    return file.getvalue()


PLAIN = archive(one=b"first", two=b"", three=b"last one")
DIRECTORY = PLAIN.index(b"PK\x01\x02")
END = PLAIN.index(b"PK\x05\x06")


def changed(at, code, value, data=PLAIN):
    return data[:at] + struct.pack(code, value) + data[at + struct.calcsize(code) :]


def test_finds_every_member():
    members = read_members(io.BytesIO(PLAIN), len(PLAIN))
    assert {name: PLAIN[m.start : m.start + m.size] for name, m in members.items()} == {
        "one": b"first",
        "two": b"",
        "three": b"last one",
    }
    assert not any(member.is_packed for member in members.values())


def test_finds_what_pytorch_writes_with_its_64_bit_numbers(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"a": torch.arange(4.0)}, path)
    members = read_members(io.BytesIO(path.read_bytes()), path.stat().st_size)
    assert members["net/data/0"].start % 64 == 0 and members["net/data/0"].size == 16
    assert b"PK\x06\x06" in path.read_bytes()


def test_numbers_beyond_32_bits_are_taken_from_the_extra_field():
    entry = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 0, 0, 0, 0, 0, 0, 0, *[2**32 - 1] * 2, 1, 28, 0, 0, 0, 0, 2**32 - 1
    )
    extra = struct.pack("<2H", 1, 24) + struct.pack("<3Q", 2**40, 2**40, 2**41)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry) + 1 + len(extra), 0, 0)
    data = entry + b"n" + extra + end
    with pytest.raises(BadZipError, match="cut off"):  # it looks 2 TB behind the end of this file
        read_members(io.BytesIO(data), len(data))


BAD = {
    "empty": b"",
    "cut off": PLAIN[:-1],
    "something appended": PLAIN + bytes(1000),
    "the directory alone": PLAIN[DIRECTORY:],
    "directory elsewhere": changed(END + 16, "<L", 0),
    "directory outside": changed(END + 16, "<L", 2**32 - 1),
    "directory too large": changed(END + 12, "<L", 2**32 - 2),
    "fewer entries": changed(END + 10, "<H", 2),
    "more entries": changed(END + 10, "<H", 4),
    "65,535 entries": changed(END + 10, "<H", 65_535),
    "a comment": changed(END + 20, "<H", 1),
    "another name": changed(DIRECTORY + 46, "<B", ord("x")),
    "a member larger than the file": changed(DIRECTORY + 24, "<L", 10**9, changed(DIRECTORY + 20, "<L", 10**9)),
    "overlapping members": changed(DIRECTORY + 24, "<L", 60, changed(DIRECTORY + 20, "<L", 60)),
    "a member outside": changed(DIRECTORY + 42, "<L", 10**9),
    "two of one name": PLAIN.replace(b"two", b"one"),
    "two at one place": changed(DIRECTORY + 46 + 3 + 42, "<L", 0).replace(b"two", b"one"),
    "a damaged 64-bit directory": PLAIN[:END] + struct.pack("<4sLQL", b"PK\x06\x07", 0, 2**64 - 1, 1) + PLAIN[END:],
}


@pytest.mark.parametrize("case", BAD)
def test_other_files_are_refused(case):
    with pytest.raises(BadZipError):
        read_members(io.BytesIO(BAD[case]), len(BAD[case]))


def test_packed_members_are_told_apart():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("bomb", bytes(10**6))
    assert read_members(file, len(file.getvalue()))["bomb"].is_packed


def test_every_flipped_bit_of_a_member_is_found(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(PLAIN)
    assert damaged_member(path) is None
    for member in read_members(io.BytesIO(PLAIN), len(PLAIN)).values():
        for byte in range(member.start, member.start + member.size):
            path.write_bytes(changed(byte, "<B", PLAIN[byte] ^ 4))
            assert damaged_member(path) == member.name
