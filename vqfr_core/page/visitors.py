"""What one visitor of the page may ask for: files of their own, and requests of a bounded size that make sense.

Gradio serves every file in its folder to whoever knows the path, reads JSON of any size and depth, and writes a
traceback into the log for each request that it does not understand.
"""

import json
import logging
import math
import os
import re
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from .access import VISITOR, App, Receive, Scope, Send, answer

logger = logging.getLogger(__name__)

MOST_BODY_BYTES = 1 << 20
_POSTS = re.compile(r"/(queue/join|run/\w+|cancel|reset)$")
"""What the page's own script sends, besides uploads. Gradio has more, for programs and for developers."""
_GETS = re.compile(
    r"(/gradio_api)?/(|config/?|theme\.css|favicon\.ico|manifest\.json|(assets|static|svelte)/.*|pwa_icon(/\d+)?"
    r"|file[=/].*|heartbeat/\w+|queue/data|upload_progress|startup-events)",
    re.DOTALL,
)
"""What the page's own script asks for."""
_MOST_VALUES = 10_000
_MOST_PATHS = 100_000
_PATH = re.compile(rb'"path":\s*("(?:[^"\\]|\\.)*")')
_FILE = re.compile(r"/file(?:=|/)(.*)", re.DOTALL)


class _RefusedError(Exception):
    """A request that is answered with this status and text."""


class VisitorMiddleware:
    """Stands between `AccessMiddleware` and Gradio (ASGI)."""

    def __init__(self, app: App, folder: Path, most_bytes: int) -> None:
        """folder: of uploads. most_bytes: of all files in it."""
        self._app, self._folder, self._most_bytes = app, folder, most_bytes
        self._told: dict[tuple[str, str], None] = {}
        self._num_arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":  # the page has none
            await answer(scope, send, 404, "")
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noting(message: Any) -> None:
            nonlocal started
            started = True
            if not file:  # whose content is a visitor's own
                self._note(scope[VISITOR], is_upload, message.get("body", b""))
            # Gradio's answer where an event raised: the page's own only do for values that no control sends.
            await send({**message, "status": 400} if message.get("status") == 500 else message)

        is_upload, file = scope["path"].endswith("/upload"), _FILE.search(scope["path"])
        try:
            if is_upload:
                await self._uploaded(scope, receive, noting)
            else:
                if file:
                    self._check_path(scope, file[1])
                await self._app(scope, await self._checked(scope, receive), noting)
        except _RefusedError as refusal:
            await answer(scope, send, *refusal.args)
        except Exception as error:
            logger.warning("%s %.200r failed: %.500r", scope["method"], scope["path"], error)
            if not started:
                await answer(scope, send, 400, "The page does not understand this request.")

    async def _uploaded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an upload through, if there is room for what it announces."""
        length = dict(scope["headers"]).get(b"content-length", b"")
        if not length.isdigit() or len(length) > 15:
            raise _RefusedError(411, "Say how long the upload is (Content-Length).")
        size = int(length)
        if self._num_arriving + size + _size_of(self._folder) > self._most_bytes:
            raise _RefusedError(413, "The page has no room for more files now; try again in an hour.")
        self._num_arriving += size
        try:
            await self._app(scope, receive, send)
        finally:
            self._num_arriving -= size

    def _check_path(self, scope: Scope, path: str) -> None:
        if (scope[VISITOR], path) not in self._told:
            raise _RefusedError(403, "This file is not yours, or no longer here.")

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """The body, once it is known to be bounded and to name no file of others."""
        is_asking = scope["method"] in ("GET", "HEAD")
        if not (_GETS.fullmatch if is_asking else _POSTS.search)(scope["path"]):
            raise _RefusedError(404, "The page has nothing here.")
        if is_asking:
            return receive
        body = await _read(receive)
        try:
            values = json.loads(body, parse_constant=_finite, parse_float=_finite) if body else None
        except (ValueError, RecursionError) as error:
            raise _RefusedError(400, "The body is not JSON, or nested too deeply, or has endless numbers.") from error
        for path in _paths_in(values):
            self._check_path(scope, path)
        return _replayed(body, receive)

    def _note(self, visitor: str, is_upload: bool, body: bytes) -> None:
        """Remember the paths of files that an answer tells a visitor of."""
        paths = [json.loads(text) for text in _PATH.findall(body)]
        if is_upload and body.startswith(b"["):
            paths += json.loads(body)
        self._told.update(dict.fromkeys((visitor, path) for path in paths))
        while len(self._told) > _MOST_PATHS:
            del self._told[next(iter(self._told))]


async def _read(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > MOST_BODY_BYTES:
            raise _RefusedError(413, f"The body is larger than {MOST_BODY_BYTES >> 20} MB.")
    body = b"".join(parts)
    if sum(map(body.count, (b",", b"[", b"{"))) > _MOST_VALUES:  # a list takes 30 times its text in memory
        raise _RefusedError(413, f"The body has more than {_MOST_VALUES:,} values.")
    return body


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not finite")
    return number


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives the body again, then what comes later: the end of the connection."""
    first: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    def again() -> Awaitable[Any]:
        return _given(first.pop()) if first else receive()

    return again


async def _given(message: dict[str, Any]) -> dict[str, Any]:
    return message


def _paths_in(values: Any) -> Iterator[str]:
    """What is called a path anywhere in JSON."""
    if isinstance(values, dict):
        if isinstance(values.get("path"), str):
            yield values["path"]
        values = list(values.values())
    if isinstance(values, list):
        for value in values:
            yield from _paths_in(value)


def _size_of(folder: Path) -> int:
    """Of all files in it; some may be removed meanwhile."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += Path(parent, name).stat().st_size
    return size
