"""Node inputs made from the core's settings, and the sockets that several nodes share."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from comfy_api.latest import io

from ..vqfr_core.errors import InputError
from ..vqfr_core.options import AnyOptions, Options, OptionSpec, option_specs

CATEGORY = "VQFR Face Restore"

Model = io.Custom("VQFR_MODEL")
FaceSet = io.Custom("VQFR_FACES")
AnyBoxes = io.Custom("BBOX,BOUNDING_BOX")
"""Boxes of other packs, and ComfyUI's own."""

_NEWER_FIELDS = ("search_aliases", "has_intermediate_output")
"""Fields of a schema that the oldest hosts lack: words to find the node by, and whether it shows something."""


def node_schema(**settings: Any) -> io.Schema:
    """A schema in our category, without what the host's version does not support."""
    known = {field.name for field in dataclasses.fields(io.Schema)}
    given = {"category": CATEGORY} | settings
    return io.Schema(**{name: value for name, value in given.items() if name in known or name not in _NEWER_FIELDS})


def option_input(name: str) -> io.Input:
    """The input for one setting, with its default, limits and help."""
    return _input(_spec(name))


def newer_inputs(*names: str) -> list[io.Input]:
    """The inputs for settings newer than their node: optional, because saved prompts lack them.

    They come last: saved graphs know a node's inputs by their places.
    """
    return [_input(_spec(name), optional=True) for name in names]


def option_inputs(group: type[Options], without: Sequence[str] = ()) -> list[io.Input]:
    """The inputs of the settings of a group, except some."""
    return [_input(spec) for spec in option_specs(group) if spec.name not in without]


def basic_inputs() -> list[io.Input]:
    """The settings that most people change."""
    return [_input(spec) for spec in option_specs() if spec.is_basic]


def read_options(group: type[AnyOptions], values: Mapping[str, Any]) -> AnyOptions:
    """The settings of a group from a node's inputs; InputError for one that is out of range."""
    return group(**{spec.name: values[spec.name] for spec in option_specs(group) if spec.name in values})


def check_choice(name: str, value: str, choices: Sequence[str]) -> None:
    """Raise InputError unless a menu has the value: what comes over a wire, the host does not check."""
    if value not in choices:
        raise InputError(f"{name}: {value!r} is not known; choose one of {', '.join(choices)}")


def check_like(setting: str, name: str, value: Any) -> None:
    """Raise InputError unless the value of an input has the range of one of the core's settings."""
    dataclasses.replace(_spec(setting), name=name).check(value)


def _spec(name: str) -> OptionSpec:
    return next(spec for spec in option_specs() if spec.name == name)


def _input(spec: OptionSpec, optional: bool = False) -> io.Input:
    name = spec.name
    shared: dict[str, Any] = {
        "display_name": spec.label.lower(),
        "default": spec.default,
        "tooltip": spec.help,
        "optional": optional,
    }
    if spec.choices is not None:
        # The host accepts only listed values, and saved workflows may contain values of earlier versions.
        return io.Combo.Input(name, options=[*spec.choices, *spec.retired], **shared)
    if isinstance(spec.default, bool):
        return io.Boolean.Input(name, **shared)
    if isinstance(spec.default, str):
        return io.String.Input(name, **shared)
    return _number_input(spec, shared)


def _number_input(spec: OptionSpec, shared: dict[str, Any]) -> io.Input:
    if isinstance(spec.default, int):
        limits = {"min": int(spec.minimum or 0), "max": int(spec.maximum or 0), "step": int(spec.step or 1)}
        return io.Int.Input(spec.name, **limits, **shared)
    is_slider = spec.minimum == 0 and spec.maximum == 1
    return io.Float.Input(
        spec.name,
        min=spec.minimum,
        max=spec.maximum,
        step=spec.step,
        display_mode=io.NumberDisplay.slider if is_slider else None,
        **shared,
    )


# Inputs without a widget get no display_name: ComfyUI would show it instead of the name from locales/.
def image_input(tooltip: str) -> io.Input:
    return io.Image.Input("image", tooltip=tooltip)


def faces_input(tooltip: str) -> io.Input:
    return FaceSet.Input("faces", tooltip=tooltip)


def area_input(tooltip: str) -> io.Input:
    return io.Mask.Input("area", optional=True, tooltip=tooltip)


def area_inputs() -> list[io.Input]:
    """Optional places to search."""
    return [
        area_input("Only faces that are at least half inside this mask are used. One mask, or one for each image."),
        AnyBoxes.Input(
            "boxes",
            optional=True,
            tooltip="Only faces in one of these boxes are used: BBOX or BOUNDING_BOX. One list, or one for each image.",
        ),
    ]


def face_outputs() -> list[io.Output]:
    """The outputs of every node that finds or chooses faces.

    Their ids differ from all input ids: otherwise hosts before 0.8 reject the node.
    """
    return [
        FaceSet.Output("found_faces", display_name="faces", tooltip="The faces, for the next VQFR node."),
        io.Image.Output("face_crops", display_name="crops", tooltip="The faces of all images, upright, as one batch."),
        io.Mask.Output("face_masks", display_name="masks", tooltip="Where the face is in each crop."),
        io.Image.Output(
            "preview",
            display_name="preview",
            tooltip="The images with their faces marked and numbered, and why some are skipped; at most 16 images.",
        ),
        io.Int.Output("count", display_name="count", tooltip="How many faces are used, in all images."),
        report_output(),
    ]


def report_output() -> io.Output:
    return io.String.Output(
        "report", display_name="report", tooltip="Every face with what was done, or why it was skipped, as JSON."
    )
