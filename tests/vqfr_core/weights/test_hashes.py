import hashlib
import threading

import pytest

from vqfr_core.errors import WeightsError
from vqfr_core.weights.catalog import get_record
from vqfr_core.weights.hashes import check_file, remember_sha256, remembered_sha256, sha256_of

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_sha256_of_a_known_text(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_of(tmp_path / "abc") == ABC
    with pytest.raises(WeightsError, match="cannot read"):
        sha256_of(tmp_path / "absent")


def test_many_writers_lose_nothing(tmp_path):
    def write(number):
        remember_sha256(tmp_path, f"file{number}", hashlib.sha256(bytes([number])).hexdigest())

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(remembered_sha256(tmp_path, f"file{number}") for number in range(8))
    assert remembered_sha256(tmp_path, "other") is None


def test_only_the_published_name_is_compared(tmp_path):
    record = get_record("parsenet")
    (tmp_path / "parsenet.pth").write_bytes(b"abc")
    assert check_file(tmp_path / "parsenet.pth", record) == ABC
    (tmp_path / record.file_name).write_bytes(b"abc")
    with pytest.raises(WeightsError, match=r"3 bytes .expected 85331193."):
        check_file(tmp_path / record.file_name, record)


@pytest.mark.parametrize("memory", ["{", "[" * 100_000, '{"x": ' + "9" * 5000 + "}"])
def test_damaged_memory_is_said(tmp_path, memory):
    (tmp_path / "hashes.json").write_text(memory)
    with pytest.raises(WeightsError, match="repair or delete"):
        remembered_sha256(tmp_path, "x")
