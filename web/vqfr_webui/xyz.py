"""Axes of the WebUI's X/Y/Z plot: every setting of the always-visible script."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from vqfr_core.errors import InputError
from vqfr_core.options import OptionSpec, option_specs

from .generation import AXES
from .models import further_names, model_names
from .request import MOMENTS

_YES_NO = ("True", "False")
_PREFIX = "[VQFR] "


def add_axes() -> None:
    """Append our axes to the X/Y/Z plot, unless already there. A WebUI without it gets none."""
    from modules import scripts

    for data in scripts.scripts_data:
        if data.path.endswith("xyz_grid.py"):
            known = {option.label for option in data.module.axis_options}
            data.module.axis_options += [axis for axis in _axes(data.module) if axis.label not in known]
            return


def _axes(plot: Any) -> list[Any]:
    """plot: the module of the WebUI's script."""
    chosen = {"enabled": _YES_NO, "when": MOMENTS, "inpaint_only": _YES_NO}
    axes = [_choice(plot, "model", "Model", model_names, further=further_names, cost=0.5)]
    for name, words in chosen.items():
        axes.append(_choice(plot, name, name.replace("_", " "), functools.partial(list, words)))
    for spec in option_specs():
        if spec.name == "aligned":
            continue
        if isinstance(spec.default, bool) or spec.choices:
            listed: Callable[[], list[str]] = functools.partial(list, spec.choices or _YES_NO)
            axes.append(_choice(plot, spec.name, spec.label, listed, further=functools.partial(tuple, spec.retired)))
        else:
            kind, confirm = type(spec.default), _confirm(spec)
            axes.append(plot.AxisOption(f"{_PREFIX}{spec.label}", kind, _apply(spec.name), confirm=confirm))
    return axes


def _choice(
    plot: Any,
    name: str,
    label: str,
    choices: Callable[[], list[str]],
    *,
    further: Callable[[], Iterable[str]] = tuple,
    cost: float = 0.0,
) -> Any:
    """An axis of words. choices: looked up when shown. further: words that are accepted but not shown."""

    def confirm(p: Any, values: list[str]) -> None:
        known = choices()
        accepted = {*known, *further()}
        wrong = [value for value in values if value not in accepted]
        if wrong:
            raise RuntimeError(f"{label}: {', '.join(wrong)} not known; choose from {', '.join(known)}")

    text = f"{_PREFIX}{label[0].upper()}{label[1:]}"
    return plot.AxisOption(text, str, _apply(name), confirm=confirm, cost=cost, choices=choices)


def _apply(name: str) -> Any:
    """Passes a value to `generation.begin`. A new dictionary, because the plot's cells share the old one."""

    def apply(p: Any, value: Any, values: Any) -> None:
        typed = value == "True" if value in _YES_NO else value
        setattr(p, AXES, {**getattr(p, AXES, {}), name: typed})

    return apply


def _confirm(spec: OptionSpec) -> Any:
    def confirm(p: Any, values: list[Any]) -> None:
        for value in values:
            try:
                spec.check(value)
            except InputError as error:
                raise RuntimeError(str(error)) from error

    return confirm
