"""Who gets an answer: by name, by origin, by token."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from vqfr_core.page.access import Access, AccessMiddleware, own_address


def ask(
    access: Access, path: str = "/", query: str = "", method: str = "GET", kind: str = "http", **headers: str
) -> Any:
    """(status, headers) of the answer; 200 if the page was reached."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    given = {"host": "127.0.0.1:7865", **headers}
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        "server": ("127.0.0.1", 7865),
    }
    asyncio.run(AccessMiddleware(app, access)(scope, receive, send))
    return sent[0].get("status", sent[0].get("code")), dict(sent[0].get("headers", []))


def cookie_of(access: Access) -> str:
    _, headers = ask(access, query=f"token={access.token}")
    return headers[b"set-cookie"].decode().split(";")[0]


def test_the_printed_address_leads_to_the_page_once_and_the_cookie_from_then_on() -> None:
    access = Access()
    assert access.address("http://127.0.0.1:7865/") == f"http://127.0.0.1:7865/?token={access.token}"
    status, headers = ask(access, "/sub/", f"token={access.token}&__theme=dark")
    assert (status, headers[b"location"]) == (303, b"./?__theme=dark")
    assert b"HttpOnly" in headers[b"set-cookie"] and b"SameSite=Strict" in headers[b"set-cookie"]
    cookie = cookie_of(access)
    for path in ("/", "/config", "/gradio_api/upload", "/gradio_api/file=/etc/passwd"):
        assert ask(access, path, cookie=cookie)[0] == 200
        assert ask(access, path, method="POST", cookie=cookie)[0] == 200


def test_each_browser_has_a_pass_of_its_own() -> None:
    access = Access()
    one, other = cookie_of(access), cookie_of(access)
    assert one != other and access.token not in one
    forged = one.replace(one.split("=")[1].split(".")[0], "ann")
    assert ask(access, cookie=forged)[0] == 401
    assert b"set-cookie" not in ask(access, query=f"token={access.token}", cookie=one)[1], "its files stay its own"


@pytest.mark.parametrize("other", ['{"a": [1, 2]}', "a", "", '"; x=y', "a=b=c", "ü=ß"])
def test_odd_cookies_of_other_programs_do_not_lock_out(other: str) -> None:
    access = Access()
    assert ask(access, cookie=f"odd={other}; {cookie_of(access)}; more={other}")[0] == 200


@pytest.mark.parametrize("path", ["/", "/config", "/gradio_api/upload", "/gradio_api/queue/join", "/assets/x.js"])
def test_without_the_token_there_is_nothing(path: str) -> None:
    access = Access()
    assert ask(access, path)[0] == 401
    assert ask(access, path, query="token=wrong")[0] == 401
    assert ask(access, path, cookie="vqfr_page_7865=wrong")[0] == 401
    assert ask(access, path, cookie=cookie_of(Access()))[0] == 401
    assert ask(access, path, kind="websocket")[0] == 1008


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:7865", "127.0.0.1.evil.example", "192.168.1.5", "0.0.0.0", "[::2]", ""]
)
def test_a_name_that_only_resolves_to_this_computer_is_refused(host: str) -> None:
    """DNS rebinding: the browser asks us by the attacker's name, with our cookie if it could get one."""
    access = Access()
    assert ask(access, host=host, cookie=cookie_of(access))[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:7865", "127.0.0.1", "[::1]:7865"])
def test_loopback_names_are_its_own(host: str) -> None:
    access = Access()
    assert ask(access, host=host, cookie=cookie_of(access))[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:1234", "https://127.0.0.1.evil.example", "http://[bad"]
)
def test_requests_from_other_pages_are_refused(origin: str) -> None:
    access = Access()
    assert ask(access, method="POST", origin=origin, cookie=cookie_of(access))[0] == 403
    assert ask(access, method="POST", origin="http://127.0.0.1:7865", cookie=cookie_of(access))[0] == 200


def test_served_to_others_it_answers_to_addresses_and_named_proxies() -> None:
    access = Access("0.0.0.0", ["faces.example"])
    cookie = cookie_of(access)
    for host in ("192.168.1.5:7865", "[fe80::1]", "faces.example", "localhost"):
        assert ask(access, host=host, cookie=cookie)[0] == 200
    assert ask(access, host="evil.example", cookie=cookie)[0] == 403
    assert ask(access, host="x.gradio.live", cookie=cookie)[0] == 403
    shared = Access(is_shared=True)
    assert ask(shared, host="x.gradio.live", cookie=cookie_of(shared))[0] == 200


@pytest.mark.parametrize(
    ("url", "host"),
    [("http://localhost:7865/", None), ("http://0.0.0.0:7865", None), ("http://192.168.1.5:7865/", "192.168.1.5")],
)
def test_the_address_to_type_elsewhere(url: str, host: str | None) -> None:
    access = Access("0.0.0.0")
    address = access.address_elsewhere(url)
    assert address == access.address(f"http://{host or own_address()}:7865") and "localhost" not in address
    assert access.allows(urlsplit(address).netloc)


def test_gradio_may_ask_itself_whether_it_started() -> None:
    assert ask(Access(), "/gradio_api/startup-events")[0] == 200
    assert ask(Access(), "/gradio_api/startup-events", host="evil.example")[0] == 403
