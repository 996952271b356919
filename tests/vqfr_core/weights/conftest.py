"""A file server that misbehaves on request, and tiny networks of both generations."""

import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from vqfr_core.networks.vqfr import V1Config, V2Config, VqfrV1, VqfrV2
from vqfr_core.weights.catalog import WeightRecord

TINY = {"channels": (32,) * 6, "encoder_blocks": 1, "decoder_blocks": 1, "num_codes": 8, "code_channels": 32}


@dataclass
class FileServer:
    """Serves `content` under every path, with the faults that a test sets."""

    content: bytes
    url: str = ""
    ranges: bool = True
    etag: str | None = '"one"'
    statuses: list[int] = field(default_factory=list)
    """Statuses answered before anything else."""
    cuts: list[int] = field(default_factory=list)
    """Bytes after which the following answers are cut off."""
    length_error: int = 0
    """Added to Content-Length."""
    content_type: str = "application/octet-stream"
    wrong_paths: tuple[str, ...] = ()
    """Paths under which other bytes of the same length are served."""
    careless: bool = False
    """Sends the piece that is asked for, whatever the condition."""
    total_error: int = 0
    """Added to the size that comes with a piece."""
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with each answer."""
    endless: bytes = b""
    """Sent for ever after the content, without announcing a length."""
    pause_s: float = 0
    """Waited for after each of these."""
    stammer: bytes = b""
    """Sent for ever instead of an answer."""
    gate: threading.Event | None = None
    """Waited for before an answer."""
    arrived: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """(path, Range) of each request."""


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        files = self.server.files
        files.requests.append((self.path, self.headers.get("Range")))
        files.arrived.set()
        if files.gate is not None:
            files.gate.wait(20)
        while files.stammer:
            self.wfile.write(files.stammer)
            time.sleep(files.pause_s)
        if files.statuses:
            self.send_error(files.statuses.pop(0))
            return
        content = bytes(len(files.content)) if self.path in files.wrong_paths else files.content
        start = self._start(files)
        if start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self._send(content, start, files)

    def _start(self, files: FileServer) -> int:
        wanted, condition = self.headers.get("Range"), self.headers.get("If-Range")
        if not wanted or not files.ranges or (condition and condition != files.etag and not files.careless):
            return 0
        return int(wanted.removeprefix("bytes=").split("-")[0])

    def _send(self, content: bytes, start: int, files: FileServer) -> None:
        body = content[start:]
        self.send_response(206 if start else 200)
        if not files.endless:
            self.send_header("Content-Length", str(len(body) + files.length_error))
        self.send_header("Content-Type", files.content_type)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content) + files.total_error}")
        if files.etag:
            self.send_header("ETag", files.etag)
        for name, value in files.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: files.cuts.pop(0)] if files.cuts else body)
        while files.endless:
            self.wfile.write(files.endless)
            time.sleep(files.pause_s)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    files: FileServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of some tests."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server on the loopback with 1 MB of content."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "VQFR_MIRROR", "VQFR_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    content = torch.randint(256, (1_000_000,), generator=torch.Generator().manual_seed(3), dtype=torch.uint8)
    http = _Server(("127.0.0.1", 0), _Handler)
    http.files = FileServer(content.numpy().tobytes(), url=f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield http.files
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def record(server: FileServer) -> WeightRecord:
    """A record whose hash and size are those of the server's content."""
    return WeightRecord(
        name="thing",
        role="restorer",
        file_name="thing.pth",
        urls=(f"{server.url}/first/thing.pth",),
        licence="none",
        origin="a test",
        sha256=hashlib.sha256(server.content).hexdigest(),
        size=len(server.content),
    )


@pytest.fixture(autouse=True)
def no_folders_of_the_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the user has installed out of the tests."""
    monkeypatch.setenv("VQFR_MODEL_DIR", str(tmp_path_factory.mktemp("models")))
    monkeypatch.delenv("VQFR_MODEL_PATH", raising=False)


@pytest.fixture(scope="session")
def tiny_states() -> dict[str, dict[str, torch.Tensor]]:
    """Weights of tiny networks: vqfr_v1, vqfr_v2."""
    torch.manual_seed(11)
    return {
        "vqfr_v1": VqfrV1(V1Config(**TINY)).state_dict(),
        "vqfr_v2": VqfrV2(V2Config(**TINY)).state_dict(),
    }
