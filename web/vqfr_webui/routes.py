"""The HTTP interface in a WebUI, described in docs/http_api.md. Available when the WebUI's own is: with --api or
--nowebui.
"""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vqfr_core.options import RestoreOptions
from vqfr_core.serving.routes import Routes
from vqfr_core.serving.service import Service

from . import host
from .models import models
from .request import Request
from .restoring import find_in_picture, restore_picture

if TYPE_CHECKING:
    from vqfr_core.pictures import Picture
    from vqfr_core.restoration import Restoration
    from vqfr_core.types import ImageFaces


def add_routes(app: Any) -> None:
    """Add the routes to the WebUI's FastAPI application."""
    if not host.api_is_on():
        return
    from fastapi import Depends

    Routes(make_service()).add_to(app, [Depends(_login_check())] if host.api_users() else [])


def make_service() -> Service:
    """The WebUI as the host of the routes: requests wait in line with generations."""
    return Service(models(), _restore, _find, "choose it once in the WebUI to download it")


def _restore(picture: "Picture", model: str, options: RestoreOptions) -> "Restoration":
    with host.job("vqfr restore"):
        return restore_picture(picture, Request(model, options))


def _find(picture: "Picture", model: str, options: RestoreOptions) -> "ImageFaces":
    with host.job("vqfr detect"):
        return find_in_picture(picture, Request(model, options))


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
