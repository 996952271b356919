"""The routes without a WebUI: one restorer in memory, used by one request after the other."""

import threading
from typing import TYPE_CHECKING, Any

from ..errors import VqfrError
from ..extras import how_to_install
from ..options import RestoreOptions
from ..pipeline import crop_faces, select_faces
from ..restorer import FaceRestorer
from ..weights.store import WeightStore
from .models import Models
from .routes import Routes
from .service import OpenPicture, Service
from .turns import Turns

if TYPE_CHECKING:
    from ..pictures import Picture
    from ..restoration import Restoration
    from ..types import ImageFaces

HEALTH = "/vqfr/health"


class Device:
    """Does the work on one device, in turn."""

    def __init__(self, models: Models, device: str | None) -> None:
        self._models, self._device = models, device
        self._lock = threading.Lock()
        self._opened: tuple[tuple[str, str], FaceRestorer] | None = None

    def restore(self, picture: "Picture", model: str, options: RestoreOptions) -> "Restoration":
        with self._lock:
            return self._restorer(model, options).restore(picture.images[0], options)

    def find(self, picture: "Picture", model: str, options: RestoreOptions) -> "ImageFaces":
        with self._lock:
            restorer = self._restorer(model, options)
            found = restorer.find(picture.images[:1], options)
            chosen = found if options.aligned else select_faces(found, options)
            cropped = crop_faces(chosen, restorer.model_for(options).crop_px)
            return restorer.without_sharp(cropped, options)[0]

    def _restorer(self, model: str, options: RestoreOptions) -> FaceRestorer:
        key = (self._models.resolve(model), options.precision)
        if self._opened is None or self._opened[0] != key:
            self._opened = None  # frees its memory first
            store = self._models.store
            self._opened = key, FaceRestorer(key[0], device=self._device, precision=key[1], store=store)
        return self._opened[1]


def make_app(store: WeightStore, device: str | None, turns: Turns, open_picture: OpenPicture) -> Any:
    """A FastAPI application with the routes, `HEALTH`, and their OpenAPI schema at /openapi.json."""
    try:
        import uvicorn  # noqa: F401  the server
        from fastapi import Depends, FastAPI
        from fastapi.security import HTTPBearer
    except ImportError as error:
        install = how_to_install("serve", "'vqfr-face-restore[serve]'")
        raise VqfrError(f"serving needs FastAPI and uvicorn ({error}); install them with: {install}") from error
    models = Models(store)
    works = Device(models, device)
    service = Service(
        models,
        works.restore,
        works.find,
        "fetch it with: python -m vqfr_core models download NAME",
        open_picture,
        turns.turn,
    )

    def health() -> dict[str, Any]:
        """Whether it serves, and how many wait."""
        return {"status": "ok", "waiting": turns.num_waiting, "most_waiting": turns.most_waiting}

    app = FastAPI(title="VQFR Face Restore", docs_url=None, redoc_url=None)
    app.add_api_route(HEALTH, health, methods=["GET"])
    Routes(service).add_to(app, [Depends(HTTPBearer(auto_error=False))])  # only says so; the middleware checks
    return app
