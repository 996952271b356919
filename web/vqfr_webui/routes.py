"""The HTTP interface, described in docs/webui_api.md. Available when the WebUI's own is: with --api or --nowebui."""

import dataclasses
import secrets
from collections.abc import Callable
from typing import Any, NamedTuple

from vqfr_core.errors import (
    Cancelled,
    DownloadError,
    InputError,
    VqfrError,
    WeightsError,
    printable,
    shortened,
    without_folders,
)
from vqfr_core.options import OptionSpec, option_specs

from . import convert, host
from .models import AUTO, describe_models, is_present, model_names, resolve_model, weight_store
from .request import Request
from .restoring import detect_in_image, restore_image

MAX_BODY_BYTES = 64 << 20
MAX_PIXELS = 50_000_000
_MOST_VALUES = 1000
_IMAGE_FIELDS = ("image", "model", "options")


class Task(NamedTuple):
    """A parsed request."""

    image: Any
    """A Pillow image."""
    request: Request
    """The model and the options."""


def add_routes(app: Any) -> None:
    """Add the routes to the WebUI's FastAPI application."""
    if not host.api_is_on():
        return
    from fastapi import Depends

    protection = [Depends(_login_check())] if host.api_users() else []
    for path, work in (("/vqfr/restore", restore), ("/vqfr/detect", detect)):
        schema = {"requestBody": {"required": True, "content": {"application/json": {"schema": _body_schema()}}}}
        app.add_api_route(path, _posted(work), methods=["POST"], dependencies=protection, openapi_extra=schema)
    app.add_api_route("/vqfr/models", describe_models, methods=["GET"], dependencies=protection)
    app.add_api_route("/vqfr/schema", describe_options, methods=["GET"], dependencies=protection)


def restore(body: Any) -> dict[str, Any]:
    """The picture with its faces restored, and the report."""
    task = read_task(body)
    with host.job("vqfr restore"):
        result = restore_image(task.image, task.request)
    return {"image": convert.encode_image(result.image), "report": result.report.to_dict()}


def detect(body: Any) -> dict[str, Any]:
    """The faces of the picture: those that would be restored, by number, and the others with their reasons."""
    from vqfr_core.report import face_reports

    task = read_task(body)
    with host.job("vqfr detect"):
        found = detect_in_image(task.image, task.request)
    faces = [dataclasses.asdict(face) for face in face_reports(found, status="found")]
    return {"size": found.size, "detector": found.made_by.detector, "faces": faces}


def describe_options() -> dict[str, Any]:
    """The body's fields and every option with its default, range and meaning."""
    options = {spec.name: _described(spec) for spec in option_specs()}
    limits = {"max_body_bytes": MAX_BODY_BYTES, "max_pixels": MAX_PIXELS}
    return {"fields": list(_IMAGE_FIELDS), "models": model_names(), "options": options, "limits": limits}


def _described(spec: OptionSpec) -> dict[str, Any]:
    described = dataclasses.asdict(spec)
    del described["parse"]  # a function
    return described


def read_task(body: Any) -> Task:
    """The task of a request's JSON. Raises InputError or WeightsError with a message for the caller."""
    if not isinstance(body, dict) or not isinstance(body.get("image"), str):
        raise InputError('the body is a JSON object like {"image": "<base64>", "model": "auto", "options": {}}')
    unknown = sorted(set(body) - set(_IMAGE_FIELDS))
    options, model = body.get("options") or {}, body.get("model") or AUTO
    if unknown or not isinstance(options, dict) or not isinstance(model, str):
        what = f"unknown field {shortened(', '.join(unknown))}" if unknown else "model is text and options an object"
        raise InputError(f"{what}; the fields are {', '.join(_IMAGE_FIELDS)}")
    if "model" in options:
        raise InputError("model goes next to options, not inside")
    request = Request.from_names({"model": model, **options})
    _check_present(resolve_model(request.model), request.options.detector)
    from vqfr_core.pipeline.blending.masks import missing_parser, needs_parser

    if needs_parser(request.options.mask) and weight_store().locate("parser") is None:
        raise WeightsError(missing_parser(request.options.mask, "choose it once in the WebUI to download one"))
    return Task(_decoded(body["image"], request.options.scale), request)


def _decoded(text: str, scale: float) -> Any:
    """The image, if the result is not too large either."""
    image = convert.decode_image(text, MAX_PIXELS)
    if image.width * image.height * scale**2 > MAX_PIXELS:
        raise InputError(f"scale: the result would have more than {MAX_PIXELS / 10**6:g} million pixels")
    return image


def _check_present(*names: str) -> None:
    """Remote programs must not start downloads."""
    for name in names:
        if name != AUTO and not is_present(name):
            raise WeightsError(f"{name} is not on this machine; choose it once in the WebUI to download it")


def _posted(work: Callable[[Any], dict[str, Any]]) -> Callable[..., Any]:
    """The endpoint of a task. It reads the body itself, to stop early if it is too large."""
    from fastapi import HTTPException, Request
    from starlette.concurrency import run_in_threadpool

    async def endpoint(request: Request) -> dict[str, Any]:
        _check_type(request)
        try:
            return await run_in_threadpool(work, parse_body(await _read_limited(request)))
        except VqfrError as error:
            raise HTTPException(_status_of(error), without_folders(printable(str(error)))) from error

    endpoint.__doc__ = work.__doc__
    endpoint.__name__ = f"vqfr_{work.__name__}"
    return endpoint


def parse_body(content: bytes) -> Any:
    """The value of a request's JSON. Raises InputError if it is not JSON or unlike any body of ours."""
    import json

    if sum(map(content.count, (b",", b"[", b"{"))) > _MOST_VALUES:  # a list takes 30 times its text in memory
        raise InputError(f"the body has more than {_MOST_VALUES} values")
    try:
        return json.loads(content, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise InputError("the body is nested too deeply") from error
    except ValueError as error:  # also bytes that are not text, and numbers of thousands of digits
        raise InputError(f"the body is not JSON: {error}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it has no {name}")


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
        if size > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body is larger than {MAX_BODY_BYTES >> 20} MB")
        parts.append(part)
    return b"".join(parts)


def _status_of(error: VqfrError) -> int:
    if isinstance(error, InputError):
        return 422
    if isinstance(error, WeightsError) and not isinstance(error, DownloadError):
        return 404
    return 409 if isinstance(error, Cancelled) else 500


def _login_check() -> Callable[..., None]:
    """Same as for the WebUI's own routes: HTTP Basic with the names and passwords of --api-auth."""
    from fastapi import Depends, HTTPException
    from fastapi.security import HTTPBasic, HTTPBasicCredentials

    users = host.api_users()

    def check(given: HTTPBasicCredentials = Depends(HTTPBasic())) -> None:  # noqa: B008  FastAPI's way
        expected = users.get(given.username)
        if expected is None or not secrets.compare_digest(given.password.encode(), expected.encode()):
            raise HTTPException(401, "Incorrect username or password", headers={"WWW-Authenticate": "Basic"})

    return check


def _body_schema() -> dict[str, Any]:
    text = {"type": "string"}
    properties = {
        "image": {**text, "description": "a picture file in base64, with or without a data URL prefix"},
        "model": {**text, "default": AUTO, "description": "a name of GET /vqfr/models, or auto"},
        "options": {"type": "object", "description": "options by name, see GET /vqfr/schema"},
    }
    return {"type": "object", "required": ["image"], "properties": properties}
