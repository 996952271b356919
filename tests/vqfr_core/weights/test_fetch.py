import dataclasses
import errno
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from vqfr_core.errors import Cancelled, DownloadError, WeightsError
from vqfr_core.weights.catalog import RECORDS
from vqfr_core.weights.fetch import download_urls, ensure_weights
from vqfr_core.weights.transfer import RefusedTransferError

ROOT = Path(__file__).parents[3]


def fetch(record, folder, **more):
    return ensure_weights(record, folder, backoff_s=0.01, timeout_s=(5, 5), **more)


def leftovers(folder):
    return sorted(path.name for path in folder.iterdir())


def start_download(record, folder):
    """In another process."""
    code = (
        "from pathlib import Path; from vqfr_core.weights.catalog import WeightRecord\n"
        "from vqfr_core.weights.fetch import ensure_weights\n"
        f"print(ensure_weights({record!r}, Path({str(folder)!r})))"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_downloads_verifies_and_reports_progress(server, record, tmp_path):
    seen = []
    path = fetch(record, tmp_path / "new" / "folder", progress=lambda done, total: seen.append((done, total)))
    assert path == tmp_path / "new" / "folder" / "thing.pth"
    assert path.read_bytes() == server.content
    assert leftovers(path.parent) == ["thing.pth"]
    assert seen[0] == (0, record.size) and seen[-1] == (record.size, record.size)
    assert fetch(record, path.parent) == path
    assert len(server.requests) == 1


def test_cut_connections_are_resumed(server, record, tmp_path):
    server.cuts = [300_000, 200_000]
    assert fetch(record, tmp_path).read_bytes() == server.content
    ranges = [wanted for _, wanted in server.requests]
    assert ranges[0] is None and len(ranges) == 3
    starts = [int(wanted.removeprefix("bytes=").rstrip("-")) for wanted in ranges[1:]]
    assert 200_000 < starts[0] <= 300_000 < starts[1] <= 500_000
    assert leftovers(tmp_path) == ["thing.pth"]


def test_a_later_call_continues_the_part(server, record, tmp_path):
    server.cuts = [400_000] + [0] * 4
    with pytest.raises(DownloadError):
        fetch(record, tmp_path, attempts=2)
    assert (tmp_path / "thing.pth.part").stat().st_size > 300_000
    server.cuts = []
    server.requests.clear()
    assert fetch(record, tmp_path).read_bytes() == server.content
    assert server.requests[0][1] is not None


def test_without_a_validator_an_unverifiable_part_is_not_continued(server, record, tmp_path):
    record = dataclasses.replace(record, sha256=None, size=None)
    server.etag = None
    server.cuts = [400_000]
    assert fetch(record, tmp_path).read_bytes() == server.content
    assert [wanted for _, wanted in server.requests] == [None, None]


def test_server_without_ranges_starts_again(server, record, tmp_path):
    server.ranges = False
    server.cuts = [300_000]
    assert fetch(record, tmp_path).read_bytes() == server.content
    assert len(server.requests) == 2


def test_file_that_changed_between_attempts_starts_again(server, record, tmp_path):
    record = dataclasses.replace(record, sha256=None, size=None)
    fresh = server.content

    def change(done, total):
        server.content, server.etag = fresh[::-1], '"two"'

    server.cuts = [500_000]
    assert fetch(record, tmp_path, progress=change).read_bytes() == fresh[::-1]


def test_stale_part_of_other_bytes_gets_a_fresh_start(server, record, tmp_path):
    (tmp_path / "thing.pth.part").write_bytes(b"x" * 1000)
    state = {"url": record.urls[0], "total": record.size, "validator": '"one"'}
    (tmp_path / "thing.pth.part.json").write_text(json.dumps(state))
    assert fetch(record, tmp_path).read_bytes() == server.content
    assert [wanted for _, wanted in server.requests] == ["bytes=1000-", None]


@pytest.mark.parametrize(("size", "reason"), [(1_000_000, "announces 1001000 bytes"), (None, "more expected")])
def test_announced_length_too_long(server, record, tmp_path, size, reason):
    server.length_error = 1000
    with pytest.raises(DownloadError, match=reason):
        fetch(dataclasses.replace(record, size=size), tmp_path)
    assert not (tmp_path / "thing.pth").exists()


@pytest.mark.parametrize("hash_known", [True, False])
def test_announced_length_too_short(server, record, tmp_path, hash_known):
    def refuse_short_file(path):
        if path.stat().st_size < 1_000_000:
            raise WeightsError("cut off")

    server.length_error = -1000
    record = dataclasses.replace(record, size=None, sha256=record.sha256 if hash_known else None)
    with pytest.raises(DownloadError, match="damaged" if hash_known else "cut off"):
        fetch(record, tmp_path, validate=refuse_short_file)
    assert leftovers(tmp_path) == []


def test_wrong_bytes_are_refused_and_say_what_to_do(server, record, tmp_path):
    server.wrong_paths = ("/first/thing.pth",)
    with pytest.raises(DownloadError) as failure:
        fetch(record, tmp_path)
    for part in ("thing.pth", record.urls[0], str(tmp_path), record.sha256):
        assert part in str(failure.value)
    assert leftovers(tmp_path) == []


def test_next_url_after_wrong_bytes_or_absence(server, record, tmp_path):
    server.statuses = [404]
    server.wrong_paths = ("/second/thing.pth",)
    urls = (*record.urls, f"{server.url}/second/thing.pth", f"{server.url}/third/thing.pth")
    assert fetch(dataclasses.replace(record, urls=urls), tmp_path).read_bytes() == server.content
    assert [path for path, _ in server.requests] == ["/first/thing.pth", "/second/thing.pth", "/third/thing.pth"]


def test_server_errors_are_waited_out(server, record, tmp_path):
    server.statuses = [500, 503, 429]
    assert fetch(record, tmp_path).read_bytes() == server.content
    assert len(server.requests) == 4


def test_absent_file_is_not_asked_for_again(server, record, tmp_path):
    server.statuses = [404] * 3
    with pytest.raises(DownloadError, match="404"):
        fetch(record, tmp_path)
    assert len(server.requests) == 1


def test_server_that_never_recovers(server, record, tmp_path):
    server.statuses = [500] * 10
    with pytest.raises(DownloadError, match="gave up after 3 attempts"):
        fetch(record, tmp_path, attempts=3)
    assert len(server.requests) == 3


def test_web_page_is_refused(server, record, tmp_path):
    server.content_type = "text/html; charset=utf-8"
    with pytest.raises(DownloadError, match="web page"):
        fetch(record, tmp_path)


def test_nobody_listens(record, tmp_path):
    record = dataclasses.replace(record, urls=("http://127.0.0.1:1/thing.pth",))
    with pytest.raises(DownloadError, match=r"connection broke.*gave up after 1 attempts"):
        fetch(record, tmp_path)
    assert leftovers(tmp_path) == []


def test_mirrors_come_first(server, record, tmp_path, monkeypatch):
    monkeypatch.setenv("VQFR_MIRROR", f"{server.url}/mirror/ , {server.url}/other")
    assert download_urls(record)[:2] == [f"{server.url}/mirror/thing.pth", f"{server.url}/other/thing.pth"]
    server.wrong_paths = ("/mirror/thing.pth",)
    assert fetch(record, tmp_path).read_bytes() == server.content
    assert [path for path, _ in server.requests] == ["/mirror/thing.pth", "/other/thing.pth"]


def test_offline_asks_nobody(server, record, tmp_path, monkeypatch):
    monkeypatch.setenv("VQFR_OFFLINE", "1")
    with pytest.raises(DownloadError, match="VQFR_OFFLINE") as failure:
        fetch(record, tmp_path)
    assert str(tmp_path) in str(failure.value) and record.sha256 in str(failure.value)
    assert server.requests == []


def test_file_in_place_is_compared_with_the_hash(record, tmp_path):
    (tmp_path / "thing.pth").write_bytes(b"other")
    with pytest.raises(WeightsError, match="Delete it") as failure:
        fetch(record, tmp_path)
    assert record.sha256 in str(failure.value)


def test_prefix_of_a_hash_is_compared(server, record, tmp_path):
    good = dataclasses.replace(record, sha256=None, size=None, sha256_prefix=record.sha256[:8])
    assert fetch(good, tmp_path / "good").is_file()
    bad = dataclasses.replace(good, sha256_prefix="00000000")
    with pytest.raises(DownloadError, match="starting with 00000000"):
        fetch(bad, tmp_path / "bad")


def test_unknown_hash_is_remembered_and_a_later_change_refused(server, record, tmp_path):
    checked = []
    unknown = dataclasses.replace(record, sha256=None, size=None)
    path = fetch(unknown, tmp_path, validate=lambda part: checked.append(part.read_bytes()))
    assert checked == [server.content]
    assert json.loads((tmp_path / "hashes.json").read_text()) == {"thing.pth": record.sha256}
    assert fetch(unknown, tmp_path) == path
    path.write_bytes(b"changed")
    with pytest.raises(WeightsError, match="first downloaded"):
        fetch(unknown, tmp_path)
    path.unlink()
    server.content = server.content[::-1]
    with pytest.raises(DownloadError, match="first downloaded"):
        fetch(unknown, tmp_path)
    assert not path.exists()


def test_file_that_fails_validation_is_not_kept(server, record, tmp_path):
    def refuse(path):
        raise WeightsError("this is GFPGAN")

    with pytest.raises(DownloadError, match="this is GFPGAN"):
        fetch(dataclasses.replace(record, sha256=None), tmp_path, validate=refuse)
    assert leftovers(tmp_path) == []


def test_cancelling_keeps_the_part(server, record, tmp_path):
    def cancel(done, total):
        if done > 300_000:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        fetch(record, tmp_path, progress=cancel)
    assert not (tmp_path / "thing.pth").exists()
    assert fetch(record, tmp_path).read_bytes() == server.content
    assert server.requests[1][1] is not None


def test_full_disk_is_said(server, record, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    with pytest.raises(DownloadError, match="the disk has 10 left") as failure:
        fetch(record, tmp_path)
    assert str(tmp_path) in str(failure.value)


def test_disk_that_fills_up_meanwhile(server, record, tmp_path, monkeypatch):
    server.cuts = [400_000, 0]
    with pytest.raises(DownloadError):
        fetch(record, tmp_path, attempts=1)
    assert leftovers(tmp_path) == ["thing.pth.part", "thing.pth.part.json"]

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device", "thing.pth.part")

    monkeypatch.setattr("vqfr_core.weights.transfer._receive", full)
    with pytest.raises(DownloadError, match="No space left on device"):
        fetch(record, tmp_path)
    assert leftovers(tmp_path) == []


def test_folder_that_cannot_be_made(record, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot write there"):
        fetch(record, tmp_path / "file" / "models")


def test_record_without_url(record, tmp_path):
    with pytest.raises(DownloadError, match="not offered for download"):
        fetch(dataclasses.replace(record, urls=()), tmp_path)


@pytest.mark.slow
def test_two_processes_share_one_download(server, record, tmp_path):
    server.gate = threading.Event()
    other = start_download(record, tmp_path)
    assert server.arrived.wait(60)
    results = []
    mine = threading.Thread(target=lambda: results.append(fetch(record, tmp_path)))
    mine.start()
    mine.join(0.3)
    assert mine.is_alive()
    server.gate.set()
    mine.join(30)
    output, _ = other.communicate(timeout=30)
    assert other.returncode == 0
    assert Path(output.strip()) == results[0] == tmp_path / "thing.pth"
    assert results[0].read_bytes() == server.content
    assert len(server.requests) == 1


# --- what is joined, and what is whole


@pytest.mark.parametrize(
    "fault",
    [
        {"etag": None},
        {"etag": 'W/"one"'},
        {"etag": None, "headers": {"Last-Modified": "Fri, 27 Nov 2026 20:00:00 GMT"}},
        {"etag": '"two"'},
        {"total_error": 5},
    ],
)
def test_a_piece_without_an_equal_strong_etag_is_not_joined(server, record, tmp_path, fault):
    record = dataclasses.replace(record, sha256=None, size=None)
    fresh = server.content[::-1]
    server.cuts, server.careless = [500_000], True

    def change(done, total):
        server.content = fresh
        for name, value in fault.items() if len(server.requests) < 3 else ():
            setattr(server, name, value)
        if len(server.requests) == 2:
            server.total_error = 0

    assert fetch(record, tmp_path, progress=change).read_bytes() == fresh
    assert [wanted is None for _, wanted in server.requests] == [True, False, True]


@pytest.mark.parametrize("etag", [None, 'W/"one"'])
def test_a_part_without_a_strong_etag_is_fetched_again(server, record, tmp_path, etag):
    server.etag, server.headers = etag, {"Last-Modified": "Fri, 27 Nov 2026 20:00:00 GMT"}
    server.cuts = [400_000]
    assert fetch(record, tmp_path).read_bytes() == server.content
    assert [wanted for _, wanted in server.requests] == [None, None]


@pytest.mark.parametrize("fault", ["none", "a flipped bit", "something appended", "cut off"])
def test_a_file_without_a_known_hash_has_to_fit_its_own_checksums(server, record, tmp_path, fault):
    torch.save({"a": torch.arange(1000.0)}, tmp_path / "source")
    good = (tmp_path / "source").read_bytes()
    at = good.index(torch.arange(1000.0).numpy().tobytes()) + 1234
    server.content = {
        "none": good,
        "a flipped bit": good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :],
        "something appended": good + bytes(1000),
        "cut off": good[:-100],
    }[fault]
    record = dataclasses.replace(record, sha256=None, size=None)
    if fault == "none":
        assert fetch(record, tmp_path / "models").read_bytes() == good
        return
    with pytest.raises(DownloadError, match="cut off"):
        fetch(record, tmp_path / "models")
    assert leftovers(tmp_path / "models") == []


# --- what does not end


@pytest.mark.parametrize("size", [2_000_000, None])
def test_a_server_that_sends_for_ever_is_stopped(server, record, tmp_path, monkeypatch, size):
    monkeypatch.setattr("vqfr_core.weights.catalog._MOST_BYTES", 2_000_000)
    server.endless = bytes(1 << 16)
    with pytest.raises(DownloadError, match="more than the expected 2000000"):
        fetch(dataclasses.replace(record, sha256=None, size=size), tmp_path)
    assert leftovers(tmp_path) == [] and len(server.requests) == 1


def test_a_file_of_unknown_size_has_a_most(server, record, tmp_path, monkeypatch):
    monkeypatch.setattr("vqfr_core.weights.catalog._MOST_BYTES", 900_000)
    with pytest.raises(DownloadError, match="announces 1000000 bytes; the file has at most 900000"):
        fetch(dataclasses.replace(record, size=None), tmp_path)
    assert all(record.most_bytes <= 10**9 for record in RECORDS)


def test_a_server_that_sends_byte_by_byte_is_given_up(server, record, tmp_path, monkeypatch):
    monkeypatch.setattr("vqfr_core.weights.transfer.PATIENCE_S", 0.3)
    server.content, server.endless, server.pause_s = b"x", b"x", 0.05
    with pytest.raises(DownloadError, match="bytes in a second"):
        fetch(record, tmp_path)
    assert len(server.requests) == 1


def test_a_server_that_does_not_come_to_its_answer_is_given_up(server, record, tmp_path, monkeypatch):
    monkeypatch.setattr("vqfr_core.weights.transfer.PATIENCE_S", 0.3)
    server.stammer, server.pause_s = b"H", 0.05
    with pytest.raises(DownloadError, match="does not begin to answer"):
        ensure_weights(record, tmp_path, timeout_s=(0.2, 0.2))
    assert leftovers(tmp_path) == []


def test_a_server_that_sends_a_byte_each_time_is_given_up(server, record, tmp_path):
    server.cuts = [1] * 20
    with pytest.raises(DownloadError, match="gave up after 3 attempts"):
        fetch(record, tmp_path, attempts=3)
    assert len(server.requests) == 3


def test_a_packed_answer_is_refused(server, record, tmp_path):
    server.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(DownloadError, match="packed"):
        fetch(record, tmp_path)


@pytest.mark.parametrize("notes", ["[" * 100_000, '{"url": ' + "9" * 5000 + "}", "{}", "[]", '"x" '])
def test_notes_that_nobody_could_have_written(server, record, tmp_path, notes):
    (tmp_path / "thing.pth.part").write_bytes(b"x" * 1000)
    (tmp_path / "thing.pth.part.json").write_text(notes)
    assert fetch(record, tmp_path).read_bytes() == server.content
    assert [wanted for _, wanted in server.requests] == [None]


def test_ended_in_the_middle_it_is_continued_later(server, record, tmp_path):
    server.endless, server.pause_s = b"x", 0.05  # so that it never ends
    record = dataclasses.replace(record, size=None)
    child = start_download(record, tmp_path)
    part = tmp_path / "thing.pth.part"
    wait_for(lambda: part.is_file() and part.stat().st_size > 500_000)
    child.send_signal(signal.SIGTERM)
    assert child.wait(30) != 0
    assert leftovers(tmp_path) == ["thing.pth.lock", "thing.pth.part", "thing.pth.part.json"]
    part.write_bytes(part.read_bytes()[:500_000])  # without what follows the content
    server.endless = b""
    assert fetch(record, tmp_path).read_bytes() == server.content
    assert server.requests[-1][1] == "bytes=500000-" and leftovers(tmp_path) == ["thing.pth"]


# --- messages


def test_the_password_of_a_mirror_is_told_nobody(server, record, tmp_path, monkeypatch, caplog):
    bases = [server.url.replace("://", "://user:s3cret@"), "http://user:p@s3cret@127.0.0.1:1/", "http://u:s3cret@[bad/"]
    monkeypatch.setenv("VQFR_MIRROR", " ".join(f"{base}/mirror" for base in bases))
    server.wrong_paths, server.cuts = ("/mirror/thing.pth", "/first/thing.pth"), [1000]
    notes = []
    caplog.set_level("INFO")

    def read_notes(done, total):
        notes.append((tmp_path / "thing.pth.part.json").read_text())

    with pytest.raises(DownloadError) as failure:
        fetch(record, tmp_path, attempts=2, progress=read_notes)
    for text in (str(failure.value), caplog.text, *notes):
        assert "s3cret" not in text
    assert f"{server.url}/mirror/thing.pth" in str(failure.value) and "thing.pth" in caplog.text


def test_what_a_server_says_is_shown_harmlessly():
    message = str(RefusedTransferError("url: /thing.pth?X-Amz-Signature=1234567890 \x1b[31m" + "x" * 100_000))
    assert message.isprintable() and len(message) < 2500 and "Signature" not in message
