"""What reads inputs from outside, each with inputs of its own kind."""

import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from stand_ins.toys import save_toys, toy_rows
from stand_ins.webui import WebUI
from vqfr_core import load_model
from vqfr_core.errors import VqfrError
from vqfr_core.networks import registry
from vqfr_core.options import option_specs
from vqfr_core.pictures import pillow_file, read_picture, tiff, write_picture
from vqfr_core.weights import read, torch_file

from . import inputs
from .mutate import mutate, mutate_png, mutate_value

_MOST_PIXELS = 100_000_000
_MOST_WRITTEN = 1_000_000
_SUFFIXES = (".png", ".jpg", ".webp", ".tif", ".gif", ".avif")
_PNG = b"\x89PNG"


class Reached:
    """Whether an input was believed to be what it claims, and came to what decodes it."""

    def __init__(self) -> None:
        self.is_set = False

    def note(self, owner: Any, name: str) -> None:
        """From now on a call of `owner.name` is noted."""
        function = getattr(owner, name)

        def noted(*arguments: Any, **named: Any) -> Any:
            self.is_set = True
            return function(*arguments, **named)

        setattr(owner, name, noted)


class Target(Protocol):
    def make(self, rng: random.Random) -> bytes:
        """An input."""

    def run(self, data: bytes) -> None:
        """Read it. VqfrError is caught; anything else is a fault."""


class Pictures:
    """Files for `read_picture`; what is read is written again, in one format or another."""

    def __init__(self, folder: Path, reached: Reached) -> None:
        self._path, self._good = folder / "picture", inputs.pictures(folder)
        _note_decoders(reached)

    def make(self, rng: random.Random) -> bytes:
        data = rng.choice(self._good)
        return mutate_png(rng, data) if data.startswith(_PNG) else mutate(rng, data, rng.choice((0, 8, 40)))

    def run(self, data: bytes) -> None:
        self._path.write_bytes(data)
        picture = read_picture(self._path, _MOST_PIXELS)
        if picture.images[0][0].numel() < _MOST_WRITTEN:
            write_picture(picture, self._path.with_suffix(_SUFFIXES[len(data) % len(_SUFFIXES)]))


class Weights:
    """Files for `load_model`."""

    def __init__(self, folder: Path, reached: Reached) -> None:
        self._path, self._good = folder / "weights.pth", inputs.weights()
        reached.note(torch_file, "read_pickle")
        reached.note(read, "_read_safetensors")

    def make(self, rng: random.Random) -> bytes:
        return inputs.mutate_weights(rng, rng.choice(self._good))

    def run(self, data: bytes) -> None:
        self._path.write_bytes(data)
        with suppress(VqfrError):
            read.check_sums(self._path)
        load_model(self._path, "cpu", download=False)


class Bodies:
    """Bodies for the WebUI's routes, over HTTP."""

    def __init__(self, folder: Path, reached: Reached) -> None:
        from fastapi import FastAPI
        from fastapi.testclient import TestClient

        _note_decoders(reached)
        self._webui = started_webui(folder)
        app = FastAPI()
        for start in self._webui.callbacks["app_started"]:
            start(None, app)
        self._client = TestClient(app)
        self._files = inputs.pictures(folder)
        self._good = inputs.bodies(self._files)

    def make(self, rng: random.Random) -> bytes:
        body = rng.choice(self._good)
        if rng.random() < 0.4:
            file = rng.choice(self._files)
            body = {**body, "image": inputs.in_base64(mutate(rng, file, 8))}
        else:
            body = mutate_value(rng, body)
        written = json.dumps(body).encode()
        return mutate(rng, written) if rng.random() < 0.2 else written

    def run(self, data: bytes) -> None:
        path = "/vqfr/restore" if len(data) % 2 else "/vqfr/detect"
        answer = self._client.post(path, content=data, headers={"Content-Type": "application/json"})
        if answer.status_code >= 500:
            raise AssertionError(f"{path} answers {answer.status_code}: {answer.text[:300]}")


class Infotexts:
    """Entries of infotext, and what an API names by the same names."""

    def __init__(self, folder: Path, reached: Reached) -> None:
        self._webui, self._good, self._reached = started_webui(folder), inputs.infotexts(), reached

    def make(self, rng: random.Random) -> bytes:
        return json.dumps([mutate_value(rng, rng.choice(self._good)), mutate_value(rng, {"fidelity": 0.5})]).encode()

    def run(self, data: bytes) -> None:
        pasted, named = json.loads(data)
        infotext, request = self._webui.part("infotext"), self._webui.part("request")
        if not isinstance(pasted, dict) or not isinstance(named, dict):
            return
        self._reached.is_set = infotext.MODEL in pasted
        values = {spec.name: infotext.pasted_option(spec, pasted) for spec in option_specs()}
        request.GenerationRequest.from_names(values)
        made = request.GenerationRequest.from_names(named)
        infotext.settings_to_infotext(made, made.model)


def _note_decoders(reached: Reached) -> None:
    reached.note(pillow_file.PillowFile, "_kinds")
    reached.note(tiff, "read_page")


def started_webui(folder: Path) -> WebUI:
    """A stand-in with the extension and the toy networks; the same one when asked again."""
    if not _webuis:
        import sys

        registry.ARCHITECTURES = (*registry.ARCHITECTURES, *toy_rows())
        webui = WebUI(folder)
        sys.modules.update(webui.modules())
        webui.load()
        models = webui.models_path / "VQFR"
        models.mkdir(parents=True)
        save_toys(models)
        _webuis.append(webui)
    return _webuis[0]


_webuis: list[WebUI] = []

TARGETS: dict[str, tuple[float, Callable[[Path, Reached], Target]]] = {
    "pictures": (0.4, Pictures),
    "weights": (0.25, Weights),
    "bodies": (0.2, Bodies),
    "infotext": (0.15, Infotexts),
}
"""The share of each in all inputs."""
