"""What a visitor may ask for: their own files, and requests of a bounded size."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from vqfr_core.page.access import VISITOR
from vqfr_core.page.visitors import MOST_BODY_BYTES, VisitorMiddleware

FILE = "/tmp/gradio/abc/a.png"
JOIN = "/gradio_api/queue/join"


class Gradio:
    """Answers uploads with their path and everything else with a picture; what it is sent is kept."""

    def __init__(self, folder: Path) -> None:
        self.page = VisitorMiddleware(self, folder, 1000)
        self.bodies: list[bytes] = []
        self.shown = FILE

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/config":
            raise KeyError(99)
        self.bodies.append((await receive())["body"])
        status = 500 if scope["path"].endswith("/run/failing") else 200
        told = json.dumps([FILE]) if scope["path"].endswith("upload") else json.dumps({"data": [{"path": self.shown}]})
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": told.encode()})

    def ask(self, visitor: str, path: str, body: bytes = b"", method: str = "POST", length: str | None = None) -> int:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        headers = [(b"content-length", (length or str(len(body))).encode())]
        scope = {"type": "http", "method": method, "path": path, "headers": headers, VISITOR: visitor}
        asyncio.run(self.page(scope, receive, send))
        assert sent[0]["status"] == 200 or sent[1]["body"]
        return int(sent[0]["status"])


@pytest.fixture
def gradio(tmp_path: Path) -> Gradio:
    return Gradio(tmp_path)


def test_uploads_are_their_senders(gradio: Gradio) -> None:
    use = json.dumps({"data": [[{"x": {"path": FILE}}]]}).encode()
    assert gradio.ask("ann", f"/gradio_api/file={FILE}", method="GET") == 403
    assert gradio.ask("ann", "/gradio_api/upload", b"x") == 200
    for path in (f"/gradio_api/file={FILE}", f"/file={FILE}"):
        assert [gradio.ask(visitor, path, method="GET") for visitor in ("ann", "bob", "")] == [200, 403, 403]
    assert [gradio.ask(visitor, JOIN, use) for visitor in ("ann", "bob", "")] == [200, 403, 403]
    assert gradio.bodies[-1] == use


def test_results_are_theirs_to_whom_they_were_shown(gradio: Gradio) -> None:
    gradio.shown = '/tmp/a "ä\\u.png'
    gradio.ask("ann", "/gradio_api/queue/data", method="GET")
    assert [gradio.ask(who, f"/gradio_api/file={gradio.shown}", method="GET") for who in ("ann", "bob")] == [200, 403]


def test_a_file_that_names_another_gives_no_right_to_it(gradio: Gradio) -> None:
    gradio.ask("eve", "/gradio_api/upload", b"x")
    gradio.shown = "/tmp/of/ann.png"  # in the content of eve's file
    assert gradio.ask("eve", f"/gradio_api/file={FILE}", method="GET") == 200
    assert gradio.ask("eve", "/gradio_api/file=/tmp/of/ann.png", method="GET") == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400), (b"[" * 5000, 400), (b'{"data": [NaN]}', 400), (b'{"data": [1e400]}', 400), (b"9" * 5000, 400),
        (b"\xff", 400), (b"[" + b"[]," * 9000, 413), (b" " * (MOST_BODY_BYTES + 1), 413), (b'{"path": "/etc/x"}', 403),
    ],
)  # fmt: skip
def test_junk_does_not_reach_gradio(gradio: Gradio, body: bytes, status: int) -> None:
    assert gradio.ask("ann", JOIN, body) == status and gradio.bodies == []


def test_what_the_page_does_not_need_is_not_there(gradio: Gradio) -> None:
    for path in ("/gradio_api/call/x", "/gradio_api/vibe-edit", "/gradio_api/run/stop/x", "/login"):
        assert gradio.ask("ann", path, b"{}") == 404
    for path in ("/gradio_api/run/stop", "/queue/join", "/reset"):  # with and without the prefix that Gradio 5 brought
        assert gradio.ask("ann", path, b"{}") == 200
    assert gradio.ask("ann", "/config", method="GET") == 400
    for path in (
        "/monitoring/summary",
        "/openapi.json",
        "/gradio_api/info",
        "/dev/reload",
        "/gradio_api/deep_link",
        "/x/",
    ):
        assert gradio.ask("ann", path, method="GET") == 404
    for path in ("/", "/assets/a.js", "/gradio_api/queue/data", "/queue/data", "/gradio_api/heartbeat/a1"):
        assert gradio.ask("ann", path, method="GET") == 200
    assert gradio.ask("ann", "/gradio_api/run/failing", b"{}") == 400


def test_all_uploads_together_have_a_limit(gradio: Gradio, tmp_path: Path) -> None:
    assert gradio.ask("ann", "/gradio_api/upload", b"x" * 1000) == 200
    assert gradio.ask("ann", "/gradio_api/upload", b"x" * 1001) == 413
    assert gradio.ask("ann", "/gradio_api/upload", b"x", length="?") == 411
    (tmp_path / "abc").mkdir()
    (tmp_path / "abc" / "a.png").write_bytes(b"x" * 600)
    assert gradio.ask("bob", "/gradio_api/upload", b"x" * 401) == 413
    assert gradio.ask("bob", "/gradio_api/upload", b"x" * 400) == 200
