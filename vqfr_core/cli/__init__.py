"""The command line. Nothing heavy is imported before a command runs, so that `--help` is quick."""

import sys
from collections.abc import Sequence

from ..errors import InputError, VqfrError
from . import detect, evaluate, models, restore, serve, sweep, ui
from .arguments import PROGRAM, Parser, UsageError, join_negative_values, version
from .console import Console

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130

_EPILOG = """\
examples:
  python -m vqfr_core restore photo.jpg -o restored.png
  python -m vqfr_core restore photos -o restored --recursive --report report.json
  python -m vqfr_core detect group.jpg -o faces.png
  python -m vqfr_core sweep portrait.jpg -o sweep.png --fidelities 0,0.25,0.5,0.75,1
  python -m vqfr_core ui --open
  python -m vqfr_core serve
  python -m vqfr_core evaluate --originals faces -o evaluation --models vqfr_v2
  python -m vqfr_core models list

Each command has its own help: python -m vqfr_core restore --help
Exit status: 0 all done, 1 something failed (the rest was done), 2 usage error, 130 interrupted.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status. arguments: those after the program name; None takes sys.argv's."""
    words = join_negative_values(list(sys.argv[1:] if arguments is None else arguments))
    try:
        parsed = build_parser().parse_args(words)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USAGE
    console = Console(quiet=parsed.quiet, verbose=parsed.verbose, debug=parsed.debug)
    with console:
        try:
            return int(parsed.run(parsed, console))
        except KeyboardInterrupt:
            console.error("interrupted; nothing was left half-written")
            return INTERRUPTED
        except InputError as error:
            console.failure(error)
            return WRONG_USAGE
        except (VqfrError, OSError, MemoryError) as error:
            console.failure(error)
            return FAILED
        except Exception as error:  # a bug: still one line, and how to get its traceback
            if parsed.debug:
                raise
            console.failure(error)
            return FAILED


def build_parser() -> Parser:
    """The parser for the whole command line; its result's `run` is the command's function."""
    parser = Parser(prog=PROGRAM, description="Restore faces in pictures with VQFR.", epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=version())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (restore, detect, sweep, ui, serve, evaluate, models):
        module.add_parser(commands)
    return parser
