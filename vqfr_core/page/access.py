"""Who may use the page: only addresses that are its own, and only who knows the token in the address it prints.

A name that resolves to this computer is not enough: any web page can have one (DNS rebinding), and any user of this
computer can open its ports. As Jupyter does, the page therefore asks for a token, once. Each browser that gave it has a
cookie of its own, so that visitors can be told apart.
"""

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})
"""Hosts that mean every address of this computer."""
SHARED = ".gradio.live"
"""End of the names that Gradio's tunnel gives."""
_PARAMETER = "token"
_PROBE = "/startup-events"
"""Gradio asks itself whether it has started; the answer says nothing."""

VISITOR = "vqfr.visitor"
"""In a scope: the visitor whose browser asks; empty for a program that gives the token with each request."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Access:
    """The names by which the page may be asked for, and its token."""

    def __init__(
        self, host: str = "127.0.0.1", more: Iterable[str] = (), is_shared: bool = False, token: str | None = None
    ) -> None:
        """host: what is served. more: names of proxies in front of it. is_shared: it is public through Gradio.

        token: a new one by default.
        """
        self._proxies = {name.lower() for name in more}
        self.names = self._proxies | LOOPBACK
        self.is_open = host not in LOOPBACK
        if self.is_open:
            self.names |= {host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
        self.is_shared = is_shared
        self.token = token or secrets.token_urlsafe(24)

    def address(self, url: str) -> str:
        """The address to print: with the token. url: where it is served on this computer."""
        return f"{url.rstrip('/')}/?{_PARAMETER}={self.token}"

    def address_elsewhere(self, url: str) -> str:
        """The same for other computers: by a name of this one, where only "all addresses" are known."""
        at = urlsplit(url)
        if at.hostname in LOOPBACK | EVERYWHERE:
            at = at._replace(netloc=f"{own_address()}:{at.port}")
        return self.address(urlunsplit(at))

    def allows(self, host: str) -> bool:
        """host: a Host header, with or without a port.

        Where other computers may ask, they may do so by any literal address: nobody else's name resolves to those.
        """
        name = _name_of(host)
        return name in self.names or self._is_tunnel(name) or (self.is_open and _is_address(name))

    def allows_origin(self, origin: str, host: str) -> bool:
        """Whether a page may send requests: the page itself, or itself under a proxy's name. host: the Host header.

        Another port is another program: cookies go there, too.
        """
        asked = origin.partition("://")[2].lower()
        return asked == host.lower() or _name_of(asked) in self._proxies or self._is_tunnel(_name_of(asked))

    def _is_tunnel(self, name: str) -> bool:
        return self.is_shared and name.endswith(SHARED)

    def knows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token.encode())

    def new_pass(self) -> str:
        """The cookie of a new visitor: its name, and a proof that the token was known."""
        visitor = secrets.token_urlsafe(12)
        return f"{visitor}.{self._proof(visitor)}"

    def visitor_of(self, cookie: str) -> str | None:
        """The visitor to whom a cookie was given; None for one that was not."""
        visitor, _, proof = cookie.partition(".")
        return visitor if visitor and hmac.compare_digest(proof.encode(), self._proof(visitor).encode()) else None

    def _proof(self, visitor: str) -> str:
        return hmac.digest(self.token.encode(), visitor.encode(), "sha256").hex()


def own_address() -> str:
    """This computer's address in the network that it reaches others by, else its name. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # of the documentation's network: connecting UDP only picks a way
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _name_of(host: str) -> str:
    """Without the port; empty for what is not a host."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class AccessMiddleware:
    """Answers 403 or 401 instead of the page (ASGI)."""

    def __init__(self, app: App, access: Access, open_paths: tuple[str, ...] = (_PROBE,)) -> None:
        """open_paths: ends of those that need no token."""
        self._app, self._access, self._open_paths = app, access, open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        scope[VISITOR] = self._access.visitor_of(_cookie(headers.get(b"cookie", ""), self._cookie_name(scope))) or ""
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await answer(scope, send, *refusal)
            return
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"))).get(_PARAMETER)
        if given is not None and scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            await answer(scope, send, 303, "", self._without_token(scope))
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[bytes, str]) -> tuple[int, str] | None:
        access = self._access
        origin = headers.get(b"origin")
        if not access.allows(headers.get(b"host", "")):
            return 403, "This page is not served under that name. Behind a proxy, start it with --allow-host NAME."
        if origin is not None and not access.allows_origin(origin, headers.get(b"host", "")):
            return 403, "Requests from other pages are refused."
        if scope["path"].endswith(self._open_paths):
            return None
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        bearer = headers.get(b"authorization", "").removeprefix("Bearer ")
        if not scope[VISITOR] and not access.knows(query.get(_PARAMETER, bearer)):
            return 401, "Use the address or the token that the program printed (?token=..., Authorization: Bearer ...)."
        return None

    def _without_token(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Headers that give the visitor a cookie and lead to the same address without it."""
        rest = [
            (name, value) for name, value in parse_qsl(scope["query_string"].decode("latin-1")) if name != _PARAMETER
        ]
        target = scope["path"].rsplit("/", 1)[-1] + (f"?{urlencode(rest)}" if rest else "")
        cookie = f"{self._cookie_name(scope)}={self._access.new_pass()}; HttpOnly; SameSite=Strict; Path=/"
        # A relative address: a proxy may serve the page under another name or path.
        location = (b"location", f"./{target}".encode("latin-1"))
        return [location] if scope[VISITOR] else [location, (b"set-cookie", cookie.encode("latin-1"))]

    def _cookie_name(self, scope: Scope) -> str:
        """Cookies do not tell ports apart."""
        server = scope.get("server")
        return f"vqfr_page_{server[1] if server else 0}"


def _cookie(header: str, name: str) -> str:
    """By hand: `http.cookies` gives up on the whole header for one odd cookie, and other programs on this computer set
    cookies for the same name.
    """
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return next((value for key, _, value in pairs if key == name), "")


async def answer(scope: Scope, send: Send, status: int, text: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Answer a request with a text; a websocket is closed."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    kind = [(b"content-type", b"text/plain; charset=utf-8"), (b"referrer-policy", b"no-referrer")]
    await send({"type": "http.response.start", "status": status, "headers": [*kind, *headers]})
    await send({"type": "http.response.body", "body": text.encode()})
