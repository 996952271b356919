"""Controls for the settings, made from `option_specs`, and their values back to settings."""

from collections.abc import Callable, Sequence
from typing import Any

from ..options import GROUP_TITLES, OptionSpec, RestoreOptions, option_specs
from .gradio_compat import import_gradio

Controls = dict[str, Any]
"""Components by the name of their setting, in the order of `option_specs`."""

FirstValue = Callable[[OptionSpec], Any]
"""What a setting's control shows at first."""


def default_of(spec: OptionSpec) -> Any:
    """The setting's own default."""
    return spec.default


def add_basic_controls(
    controls: Controls, prefix: str, groups: Sequence[str], first_value: FirstValue = default_of
) -> None:
    """The few settings of these groups that most people change."""
    for spec in option_specs():
        if spec.is_basic and spec.group in groups:
            controls[spec.name] = _make_control(spec, prefix, first_value)


def add_other_controls(controls: Controls, prefix: str, first_value: FirstValue = default_of) -> None:
    """All the others, in a folded section per group."""
    gr = import_gradio()
    for group, title in GROUP_TITLES.items():
        specs = [spec for spec in option_specs() if spec.group == group and spec.name not in controls]
        if specs:
            with gr.Accordion(f"More on {title}", open=False, elem_id=f"{prefix}_more_{group}"):
                for spec in specs:
                    controls[spec.name] = _make_control(spec, prefix, first_value)


def _make_control(spec: OptionSpec, prefix: str, first_value: FirstValue) -> Any:
    kind, arguments = control_of(spec)
    shown: dict[str, Any] = {"label": spec.label, "info": spec.help, "elem_id": f"{prefix}_{spec.name}"}
    return getattr(import_gradio(), kind)(value=first_value(spec), **shown, **arguments)


def control_of(spec: OptionSpec) -> tuple[str, dict[str, Any]]:
    """The name of the Gradio component for a setting, and what it needs besides value and label."""
    if isinstance(spec.default, bool):
        return "Checkbox", {}
    if spec.choices is not None:
        return "Dropdown", {"choices": list(spec.choices)}
    if isinstance(spec.default, str):
        return "Textbox", {"max_lines": 1}
    return "Slider", {"minimum": spec.minimum, "maximum": spec.maximum, "step": spec.step}


def label_with_help(label: str, help: str) -> str:
    """Both in one line, for a checkbox whose help would stand in the wrong place."""
    return f"{label} ({help[0].lower()}{help[1:].rstrip('.。')})"


def in_order(controls: Controls) -> list[Any]:
    """The components in the order of `option_specs`, as `read_controls` expects their values."""
    return [controls[spec.name] for spec in option_specs()]


def read_controls(values: Sequence[Any]) -> RestoreOptions:
    """The settings; an empty field means the default. Raises InputError for a value out of range."""
    pairs = zip(option_specs(), values, strict=True)
    return RestoreOptions(**{spec.name: value for spec, value in pairs if value is not None and value != ""})
