"""Lazy imports, for tables that should be cheap to read."""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def later(package: str, module: str, name: str) -> Callable[..., Any]:
    """A function or class imported when it is called. package: absolute name of the package `module` is in."""

    def call(*arguments: Any) -> Any:
        return getattr(import_module(f".{module}", package), name)(*arguments)

    return call
