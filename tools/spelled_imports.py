"""The imports of a module as statements, with those by name, such as `import_module("vqfr_core.cli")`, written out.

Import-linter sees only statements.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import PurePath
from typing import Any

BY_NAME = ("import_module", "__import__", "later", "names_later")
"""The functions that import by name."""


def spell_imports(code: str, path: PurePath, may_compute: bool) -> str:
    """A module that imports the same, each import on its line, and does nothing else.

    path: of the module's file, relative to the folder of its root package.
    may_compute: leave out names that are computed when the program runs, instead of raising ValueError.
    """
    tree = ast.parse(code)
    reader = _Reader(tree, path)
    lines: defaultdict[int, list[str]] = defaultdict(list)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines[node.lineno].append(ast.unparse(node))
        elif isinstance(node, ast.Call):
            try:
                lines[node.lineno] += [f"import {name}" for name in reader.imported_by(node)]
            except (ValueError, ImportError) as error:
                if not may_compute:
                    raise ValueError(f"cannot tell what is imported on line {node.lineno}: {error}") from error
    return "\n".join("; ".join(lines[number]) for number in range(1, max(lines, default=0) + 1)) + "\n"


class _Reader:
    """Reads the arguments of calls, as far as their values are written in the module."""

    def __init__(self, tree: ast.Module, path: PurePath) -> None:
        module = path.with_suffix("").parts
        package, name = ".".join(module[:-1]), ".".join(module)
        self._values: dict[str, ast.expr] = {
            "__package__": ast.Constant(package),
            "__name__": ast.Constant(package if path.name == "__init__.py" else name),
        }
        self._functions = {name: name for name in BY_NAME}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                self._functions |= {alias.asname or alias.name: alias.name for alias in node.names}
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._values[node.targets[0].id] = node.value

    def imported_by(self, call: ast.Call) -> Iterator[str]:
        """Absolute names of the modules that a call imports; none if it is another call."""
        called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        function = self._functions.get(called)
        if function not in BY_NAME:
            return
        if call.keywords:
            raise ValueError("it has named arguments")
        values = [self._read(argument) for argument in call.args[:2]]
        if function == "names_later":
            yield from (f"{values[0]}.{module}" for module in values[1])
        elif function == "later":
            yield f"{values[0]}.{values[1]}"
        elif function == "import_module":
            yield resolve_name(values[0], values[1] if len(values) > 1 else self._read(ast.Name("__package__")))
        else:
            yield values[0]

    def _read(self, expression: ast.expr) -> Any:
        if isinstance(expression, ast.Name) and expression.id in self._values:
            return self._read(self._values[expression.id])
        return ast.literal_eval(expression)
