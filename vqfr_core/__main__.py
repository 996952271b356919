"""`python -m vqfr_core`."""

import sys

from .cli import main

if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a file name the terminal cannot show must not end the work
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main())
