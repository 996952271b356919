"""Lazy imports, for tables and packages that should be cheap to import."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def later(package: str | None, module: str, name: str) -> Callable[..., Any]:
    """A function or class imported when it is called. package: absolute name of the package `module` is in.

    tools/check_house.py reads the first two arguments, here and in `names_later`.
    """

    def call(*arguments: Any) -> Any:
        return getattr(import_module(f".{module}", package), name)(*arguments)

    return call


def names_later(package: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package whose names are imported when first used.

    names: for each module its names, separated by spaces.
    """
    module_of = {name: module for module, listed in names.items() for name in listed.split()}

    def find(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f".{module_of[name]}", package), name)
        setattr(sys.modules[package], name, value)
        return value

    return find
