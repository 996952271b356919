"""Packages that only some uses need: how to install one that is missing."""

from pathlib import Path

CODEFORMER_LICENCE = "S-Lab License 1.0, which allows non-commercial use only"


def how_to_install(extra: str, packages: str) -> str:
    """The command, for a message. packages: what the extra consists of."""
    by_pip = f"pip install {packages}"
    has_script = (Path(__file__).parent.parent / "install.py").is_file()
    return f"python install.py --with {extra} (or: {by_pip})" if has_script else by_pip
