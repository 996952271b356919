"""A real ComfyUI on the CPU, driven over HTTP."""

import io
import json
import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CHECKOUT, PYTHON = os.environ.get("VQFR_COMFYUI", ""), os.environ.get("VQFR_COMFYUI_PYTHON", "python3")


class ComfyUI:
    """Start with `start`, end with `stop`. Everything it writes is below its base folder."""

    def __init__(self, base: Path) -> None:
        self.base = base
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = base / "comfyui.log"
        for folder in ("custom_nodes", "models/vqfr", "input", "output", "temp", "user"):
            (base / folder).mkdir(parents=True)
        (base / "custom_nodes" / "comfyui-vqfr").symlink_to(ROOT)

    def start(self, *flags: str) -> None:
        # In float32, as precision auto is in the tests' own process.
        command = [PYTHON, "main.py", "--cpu", "--force-fp32", "--port", str(self.port)]
        command += ["--base-directory", str(self.base)]
        command += ["--disable-auto-launch", "--disable-api-nodes", "--database-url", "sqlite:///:memory:", *flags]
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "VQFR_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
        environment.pop("VQFR_MODEL_DIR", None)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=CHECKOUT, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
        deadline = time.monotonic() + 180
        while True:
            try:
                self.get("/system_stats")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"ComfyUI did not start:\n{self.log.read_text()[-3000:]}") from None
                time.sleep(0.5)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if answer.headers.get_content_type() == "application/json" else body

    def post(self, path: str, value: Any) -> tuple[int, Any]:
        """Status and answer."""
        request = urllib.request.Request(
            f"{self.url}{path}", json.dumps(value).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def upload(self, image: Any, name: str) -> str:
        """Send a Pillow image as the page does; gives the name for Load Image."""
        data = io.BytesIO()
        image.save(data, "PNG")
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
        body = head.encode() + b"Content-Type: image/png\r\n\r\n" + data.getvalue() + f"\r\n--{boundary}--\r\n".encode()
        request = urllib.request.Request(
            f"{self.url}/upload/image",
            body,
            {"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())["name"]

    def queue(self, prompt: dict[str, Any]) -> str:
        status, answer = self.post("/prompt", {"prompt": prompt, "client_id": "test"})
        assert status == 200, answer
        return answer["prompt_id"]

    def wait(self, prompt_id: str, timeout_s: float = 180) -> dict[str, Any]:
        """The history entry once the prompt is done, however it ended."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            history = self.get(f"/history/{prompt_id}")
            if prompt_id in history:
                return history[prompt_id]
            time.sleep(0.2)
        raise TimeoutError(f"not done after {timeout_s} s:\n{self.log.read_text()[-3000:]}")

    def run(self, prompt: dict[str, Any]) -> dict[str, Any]:
        """The outputs by node of a prompt that has to succeed."""
        entry = self.wait(self.queue(prompt))
        assert entry["status"]["status_str"] == "success", entry["status"]
        return entry["outputs"]

    def fails(self, prompt: dict[str, Any]) -> str:
        """The message of the node that a prompt has to fail at."""
        status = self.wait(self.queue(prompt))["status"]
        assert status["status_str"] == "error", status
        return next(data["exception_message"] for kind, data in status["messages"] if kind == "execution_error")

    def free(self) -> None:
        """What the page's "Unload models and free cache" does, and a while for it."""
        for _ in range(2):  # a request just when the worker falls asleep is not heard
            self.post("/free", {"unload_models": True, "free_memory": True})
            time.sleep(3)

    def memory_mb(self) -> int:
        """Resident, of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024

    def view(self, entry: dict[str, str]) -> bytes:
        """The file behind an image entry of an output."""
        return self.get("/view?" + urllib.parse.urlencode({k: entry[k] for k in ("filename", "subfolder", "type")}))
