"""The HTTP interface, described in docs/http_api.md."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..errors import (
    Cancelled,
    DownloadError,
    InputError,
    VqfrError,
    WeightsError,
    printable,
    without_folders,
)
from ..options import OptionSpec, option_specs
from . import bodies
from .models import AUTO
from .service import Service
from .turns import BusyError

_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"description": "Who asks is not known: a token or a name and password are missing or wrong"},
    404: {"description": "The model or detector is known but not on this machine"},
    409: {"description": "Somebody stopped the work"},
    413: {"description": "The body is too large"},
    415: {"description": "The body is not sent as application/json"},
    422: {"description": "The body, a name or a value is wrong; `detail` says which, and what is allowed"},
    500: {"description": "The work failed; `detail` says why"},
    503: {"description": "Too many requests wait already"},
}


class Routes:
    """The work behind the routes."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def add_to(self, app: Any, dependencies: Sequence[Any] = ()) -> None:
        """Add the routes to a FastAPI application. dependencies: FastAPI's, that refuse strangers."""
        add = partial(app.add_api_route, dependencies=list(dependencies), responses=_ANSWERS)
        for path, work in (("/vqfr/restore", self.restore), ("/vqfr/detect", self.detect)):
            schema = {"requestBody": {"required": True, "content": {"application/json": {"schema": _body_schema()}}}}
            add(path, _posted(work), methods=["POST"], openapi_extra=schema)
        add("/vqfr/models", self._service.models.describe, methods=["GET"])
        add("/vqfr/schema", self.describe_options, methods=["GET"])

    def restore(self, body: Any) -> dict[str, Any]:
        """The picture with its faces restored, and the report; its notes say what the picture could not keep."""
        from ..pictures.losses import collect_losses
        from .pictures import encode_picture

        task = bodies.read_task(body, self._service)
        with self._service.turn(), collect_losses() as losses:
            picture = self._picture(task)
            result = self._service.restore(picture, task.model, task.options)
            image = encode_picture(picture.with_images([result.image]))
            notes = [*result.report.notes, *(without_folders(loss.text) for loss in losses)]
            return {"image": image, "report": {**result.report.to_dict(), "notes": notes}}

    def detect(self, body: Any) -> dict[str, Any]:
        """The faces of the picture: those that would be restored, by number, and the others with their reasons."""
        from ..report import face_reports

        task = bodies.read_task(body, self._service)
        with self._service.turn():
            found = self._service.find(self._picture(task), task.model, task.options)
            faces = [dataclasses.asdict(face) for face in face_reports(found, status="found")]
            return {"size": found.size, "detector": found.made_by.detector, "faces": faces}

    def describe_options(self) -> dict[str, Any]:
        """The body's fields and every option with its default, range and meaning."""
        options = {spec.name: _described(spec) for spec in option_specs()}
        limits = {"max_body_bytes": bodies.MAX_BODY_BYTES, "max_pixels": bodies.MAX_PIXELS}
        names = self._service.models.names()
        return {"fields": list(bodies.FIELDS), "models": names, "options": options, "limits": limits}

    def _picture(self, task: bodies.Task) -> Any:
        """The picture, if its result is not too large either."""
        from .pictures import decode_picture

        most = bodies.MAX_PIXELS
        picture = decode_picture(task.image, lambda path: self._service.open_picture(path, most))
        if picture.images[0][0].numel() * task.options.scale**2 > most:
            raise InputError(f"scale: the result would have more than {most / 10**6:g} million pixels")
        return picture


def _described(spec: OptionSpec) -> dict[str, Any]:
    described = dataclasses.asdict(spec)
    del described["parse"]  # a function
    return described


def _posted(work: Callable[[Any], dict[str, Any]]) -> Callable[..., Any]:
    """The endpoint of a task. It reads the body itself, to stop early if it is too large."""
    from fastapi import HTTPException, Request
    from starlette.concurrency import run_in_threadpool

    async def endpoint(request: Request) -> dict[str, Any]:
        _check_type(request)
        try:
            content = await _read_limited(request)
            return await run_in_threadpool(lambda: work(bodies.parse_body(content)))
        except VqfrError as error:
            raise HTTPException(_status_of(error), without_folders(printable(str(error)))) from error

    endpoint.__doc__ = work.__doc__
    endpoint.__name__ = f"vqfr_{work.__name__}"
    return endpoint


def _check_type(request: Any) -> None:
    """Only programs and the host's own pages can send JSON: a page elsewhere would have to ask the host first."""
    from fastapi import HTTPException

    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "send the body as Content-Type: application/json")


async def _read_limited(request: Any) -> bytes:
    from fastapi import HTTPException

    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > bodies.MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is larger than {bodies.MAX_BODY_BYTES >> 20} MB")
        parts.append(part)
    return b"".join(parts)


def _status_of(error: VqfrError) -> int:
    if isinstance(error, InputError):
        return 422
    if isinstance(error, WeightsError) and not isinstance(error, DownloadError):
        return 404
    if isinstance(error, BusyError):
        return 503
    return 409 if isinstance(error, Cancelled) else 500


def _body_schema() -> dict[str, Any]:
    text = {"type": "string"}
    properties = {
        "image": {**text, "description": "a picture file in base64, with or without a data URL prefix"},
        "model": {**text, "default": AUTO, "description": "a name of GET /vqfr/models, or auto"},
        "options": {"type": "object", "description": "options by name, see GET /vqfr/schema"},
    }
    return {"type": "object", "required": ["image"], "properties": properties}
