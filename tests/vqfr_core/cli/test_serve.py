"""`serve`: a real server, asked over HTTP."""

import base64
import io
import json
import socket
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vqfr_core.cli import build_parser, main
from vqfr_core.cli.serve import make_server
from vqfr_core.networks.vqfr import VqfrV2
from vqfr_core.pictures import open_picture

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture(scope="module")
def ask(tiny_v2: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """ask(path, body, **headers): (status, answer) of a server with one model; one request at a time, none waits."""
    pytest.importorskip("uvicorn", reason="serving needs uvicorn")
    folder = tmp_path_factory.mktemp("models")
    (folder / "tiny.safetensors").write_bytes(Path(tiny_v2).read_bytes())
    words = ["serve", "--model-dir", str(folder), "--device", "cpu", "--no-download", "--workers", "1"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server, token = make_server(build_parser().parse_args([*words, "--max-waiting", "1"]), open_picture)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()

        def ask(path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
            given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
            address = f"http://127.0.0.1:{listener.getsockname()[1]}{path}"
            content = None if body is None else json.dumps(body).encode()
            try:
                with urllib.request.urlopen(urllib.request.Request(address, content, given), timeout=60) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        yield ask
        server.should_exit = True
        thread.join(10)


def encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_restore_and_detect(ask: Ask, portrait: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VqfrV2, "sweep", lambda self, x, fidelities: [-x for _ in fidelities])
    body = {"image": encoded(portrait), "model": "tiny.safetensors", "options": {"opacity": 0.9}}
    status, answer = ask("/vqfr/restore", body)
    assert status == 200 and answer["report"]["options"]["opacity"] == 0.9
    result = Image.open(io.BytesIO(base64.b64decode(answer["image"])))
    assert result.size == portrait.size and result.tobytes() != portrait.tobytes()
    status, answer = ask("/vqfr/detect", body)
    assert status == 200 and [face["status"] for face in answer["faces"]] == ["found"]


def test_strangers_get_health_alone(ask: Ask) -> None:
    assert ask("/vqfr/health", Authorization="") == (200, {"status": "ok", "waiting": 0, "most_waiting": 1})
    for path in ("/vqfr/models", "/vqfr/schema", "/openapi.json", "/"):
        assert ask(path, Authorization="Bearer wrong")[0] == 401
    assert ask("/vqfr/health", Host="evil.example")[0] == 403
    assert ask("/vqfr/models", Origin="http://evil.example")[0] == 403


def test_the_schema_describes_the_routes(ask: Ask) -> None:
    status, schema = ask("/openapi.json")
    assert status == 200 and {"/vqfr/restore", "/vqfr/detect", "/vqfr/models"} < set(schema["paths"])
    assert "422" in schema["paths"]["/vqfr/restore"]["post"]["responses"]
    assert "tiny.safetensors" in ask("/vqfr/schema")[1]["models"]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"image": "!"}, 422, "base64"),
        ({"image": encoded(Image.new("RGB", (64, 64))), "options": {"fidelty": 1}}, 422, "known are"),
        ({"image": "", "model": "../x"}, 422, "choose one of"),
        ({"image": "", "model": "vqfr_v2"}, 404, "models download"),
        ({"image": encoded(Image.new("RGB", (64, 64)))[:40]}, 422, "image: "),
    ],
)
def test_wrong_input_is_named(ask: Ask, body: Any, status: int, text: str) -> None:
    given, answer = ask("/vqfr/restore", body)
    assert given == status and text in answer and "/tmp" not in answer


@pytest.mark.parametrize("words", [["--workers", "0"], ["--port", "x"], ["--max-waiting", "some"]])
def test_wrong_usage(words: list[str]) -> None:
    assert main(["serve", *words]) == 2


def test_without_fastapi_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    assert main(["serve", "--port", "0"]) == 1
    assert "vqfr-face-restore[serve]" in capsys.readouterr().err
