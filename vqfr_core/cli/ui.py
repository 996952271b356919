"""`ui`: the page, in a browser."""

import argparse
import os
import signal
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, reason
from .arguments import PROGRAM, add_models, add_talk
from .console import Console

if TYPE_CHECKING:
    from ..pictures.apart import Readers

_EPILOG = """\
examples:
  python -m vqfr_core ui --open
  python -m vqfr_core ui --port 8080 --model vqfr_v2
  python -m vqfr_core ui --host 0.0.0.0

The page listens on localhost unless --host or --share says otherwise. Only who knows the address it prints can use it:
the token in it is the password. Users on other computers upload files; they cannot name folders on this one. Behind a
reverse proxy, name the proxy's host with --allow-host.
"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The command's arguments."""
    parser = commands.add_parser(
        "ui",
        usage=f"{PROGRAM} ui [options]",
        help="show the page in a browser",
        description="Serve a page: drop in a photograph, choose faces, compare, download; or restore many pictures.",
        epilog=_EPILOG,
    )
    server = parser.add_argument_group("server")
    server.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="Address to serve. (default 127.0.0.1)")
    server.add_argument(
        "--port", type=port, default=7865, metavar="N", help="Port to serve; 0 for a free one. (default 7865)"
    )
    server.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="Also answer to this name, e.g. a reverse proxy's; may be repeated.",
    )
    server.add_argument("--open", action="store_true", help="Open the page in the browser.")
    server.add_argument(
        "--share", action="store_true", help="Also make it public through Gradio's servers, for a limited time."
    )
    server.add_argument(
        "--max-upload", type=_megabytes, default=200, metavar="MB", help="Larger files are refused. (default 200)"
    )
    add_models(parser)
    add_talk(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Serve until Ctrl-C, or until a service manager ends it."""
    from ..page.access import LOOPBACK
    from ..pictures.apart import Readers

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that temporary files are removed then, too
    with tempfile.TemporaryDirectory(prefix="vqfr-page-") as folder, Readers() as readers:
        address, blocks = serve(arguments, Path(folder), readers)
        console.say(f"The page is at {address} (Ctrl-C ends it)")
        if arguments.host not in LOOPBACK or arguments.share:
            console.say("It is open to other computers: whoever has this address can use it")
        if arguments.open:
            webbrowser.open(address)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0
        finally:
            blocks.close(verbose=False)


def serve(arguments: argparse.Namespace, folder: Path, readers: "Readers") -> tuple[str, Any]:
    """Start serving; gives the address and the gr.Blocks."""
    # Gradio reads these when it is imported.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("GRADIO_TEMP_DIR", str(folder / "gradio"))
    from ..page.access import LOOPBACK, Access
    from ..page.build import build_page
    from ..page.gradio_compat import import_gradio, launch
    from ..page.standalone import RestorerKeeper, stand_alone
    from .networks import open_store

    import_gradio()  # report what is missing before anything is loaded
    keeper = RestorerKeeper(arguments.model, arguments.device, open_store(arguments))
    keeper.open()  # report what is wrong with the model now
    is_private = arguments.host in LOOPBACK and not arguments.share
    access = Access(arguments.host, arguments.allow_host, arguments.share)
    blocks = build_page(stand_alone(keeper, folder, is_private, readers.open), is_alone=True)
    try:
        address = launch(
            blocks,
            access,
            server_name=arguments.host,
            server_port=arguments.port or None,
            share=arguments.share,
            max_file_size=arguments.max_upload << 20,
        )
    except OSError as error:
        where = f"{arguments.host}:{arguments.port}"
        raise InputError(f"cannot serve at {where} ({reason(error)}); try another --port") from error
    return address, blocks


def port(text: str) -> int:
    """For argparse."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; use a number from 0 to 65535")
    return int(text)


def _megabytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of megabytes")
    return int(text)
