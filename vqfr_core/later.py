"""Names that are imported when they are used, for tables that should cost nothing to read."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def later(package: str, module: str, name: str) -> Callable[..., Any]:
    """A function or class that is imported when it is called. package: the absolute name of what `module` is in."""

    def call(*arguments: Any) -> Any:
        return getattr(import_module(f".{module}", package), name)(*arguments)

    return call
