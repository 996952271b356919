"""Start a real WebUI on the CPU for the tests, with this repository as its extension, and talk to it."""

import base64
import io
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parents[2]
START_S = 600
_FLAGS = ["--skip-torch-cuda-test", "--skip-version-check", "--skip-install", "--no-download-sd-model", "--api"]
_CPU_FLAGS = {
    "a1111": ["--no-half", "--precision", "full", "--use-cpu", "all", "--do-not-download-clip"],
    "forge": ["--always-cpu"],
}
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "SD_WEBUI_RESTARTING": "1",  # no browser
    "VQFR_OFFLINE": "1",
}


@dataclass(frozen=True)
class Installation:
    """A WebUI on this machine."""

    kind: str
    """a1111 or forge."""
    checkout: Path
    """Its code, with repositories/ filled in."""
    python: Path
    """The Python it runs with."""
    checkpoints: Path
    """A folder with a Stable Diffusion checkpoint, however small."""
    adetailer: Path | None = None
    """A checkout of ADetailer, whose packages this Python has; None: tests beside it are skipped."""

    def flags(self, data: Path) -> list[str]:
        allowed = ["--gradio-allowed-path", str(self.checkout)] if self.kind == "forge" else []
        folders = ["--data-dir", str(data), "--ckpt-dir", str(self.checkpoints)]
        return [*folders, *_FLAGS, *_CPU_FLAGS[self.kind], *allowed]

    def environment(self) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if name not in ("COMMANDLINE_ARGS", "PYTHONPATH")
        }
        return {**inherited, **_ENVIRONMENT, "PYTHONUNBUFFERED": "1"}


class Server:
    """A running WebUI."""

    def __init__(
        self, installation: Installation, data: Path, config: dict[str, Any], defaults: dict[str, Any]
    ) -> None:
        """config, defaults: what is in its config.json and ui-config.json."""
        self.data, self.log = data, data / "webui.log"
        (data / "extensions").mkdir(parents=True)
        (data / "models").mkdir()
        (data / "extensions" / "vqfr-face-restore").symlink_to(ROOT)
        if installation.adetailer is not None:
            (data / "extensions" / "adetailer").symlink_to(installation.adetailer)
        (data / "config.json").write_text(json.dumps({"live_previews_enable": False, **config}))
        (data / "ui-config.json").write_text(json.dumps(defaults))
        self.port = _free_port()
        command = [str(installation.python), "launch.py", *installation.flags(data), "--port", str(self.port)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=installation.checkout,
                env=installation.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_until_started()

    def wait_until_started(self, times: int = 1) -> None:
        """Until it has started so many times. By its log: a request that comes too early makes the start fail."""
        for _ in range(START_S):
            if self.text().count("Startup time:") >= times:
                return
            if self._process.poll() is not None:
                break
            time.sleep(1)
        raise RuntimeError(f"the WebUI did not start:\n{self.text()[-3000:]}")

    def text(self) -> str:
        """The log so far."""
        return self.log.read_text(errors="replace")

    def call(self, path: str, body: Any = None) -> Any:
        """The JSON answer to a GET, or to a POST of a body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=600) as answer:
            return json.load(answer)

    def status(self, path: str, body: Any) -> tuple[int, str]:
        """The status and text of the answer to a POST."""
        try:
            return 200, json.dumps(self.call(path, body))
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def decoded(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
