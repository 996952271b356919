"""`serve`: the HTTP routes, for programs."""

import argparse
import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import InputError, reason
from .arguments import PROGRAM, add_models, add_talk
from .console import Console
from .ui import port

if TYPE_CHECKING:
    from ..serving.service import OpenPicture

TOKEN = "VQFR_TOKEN"
_EPILOG = """\
examples:
  python -m vqfr_core serve
  VQFR_TOKEN=... python -m vqfr_core serve --host 0.0.0.0 --workers 4

Every request but GET /vqfr/health needs the header "Authorization: Bearer TOKEN". The token is printed, or taken from
VQFR_TOKEN. Behind a reverse proxy, name the proxy's host with --allow-host.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "serve",
        usage=f"{PROGRAM} serve [options]",
        help="serve HTTP routes for programs",
        description="Serve POST /vqfr/restore and others: JSON with a picture in, JSON with the result out.",
        epilog=_EPILOG,
    )
    server = parser.add_argument_group("server")
    server.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="Address to serve. (default 127.0.0.1)")
    server.add_argument("--port", type=port, default=7866, metavar="N", help="Port; 0 for a free one. (default 7866)")
    server.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="Also answer to this name; may be repeated."
    )
    server.add_argument(
        "--workers",
        type=_count,
        default=2,
        metavar="N",
        help="Requests worked on at once; the network takes them one after the other. (default 2)",
    )
    server.add_argument(
        "--max-waiting",
        type=_count,
        default=16,
        metavar="N",
        help="With more waiting, answer 503. (default 16)",
    )
    add_models(parser, with_model=False)
    add_talk(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    from ..pictures.apart import Readers

    with Readers() as readers, _listening(arguments.host, arguments.port) as listener:
        server, token = make_server(arguments, lambda path, most: readers.open(path, most, lambda: False))
        host, number = listener.getsockname()[:2]
        where = f"[{host}]" if ":" in host else host
        told = f"the token of {TOKEN}" if TOKEN in os.environ else f"Authorization: Bearer {token}"
        console.say(f"Serving at http://{where}:{number} with {told} (Ctrl-C ends it)")
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])
    return 0


def make_server(arguments: argparse.Namespace, open_picture: "OpenPicture") -> tuple[Any, str]:
    """The uvicorn.Server, not started, and its token. open_picture: see `Service`."""
    from ..page.access import Access, AccessMiddleware
    from ..serving.alone import HEALTH, make_app
    from ..serving.turns import Turns
    from .networks import open_store

    turns = Turns(arguments.workers, arguments.max_waiting)
    app = make_app(open_store(arguments), arguments.device, turns, open_picture)
    import uvicorn

    access = Access(arguments.host, arguments.allow_host, token=os.environ.get(TOKEN))
    guarded = AccessMiddleware(app, access, open_paths=(HEALTH,))
    return uvicorn.Server(uvicorn.Config(guarded, log_level="warning", timeout_graceful_shutdown=5)), access.token


def _listening(host: str, number: int) -> socket.socket:
    try:
        return socket.create_server((host, number), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise InputError(f"cannot serve at {host}:{number} ({reason(error)}); try another --port") from error


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)
