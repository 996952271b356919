"""Every user-visible setting: default, range, label and help. The command line and the hosts read them here."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from .errors import InputError, shortened
from .networks.face_regions import FACE_REGIONS, parse_regions
from .networks.fidelity import DEFAULT_FIDELITY
from .networks.registry import architectures
from .selection import parse_selection

SORT_ORDERS = ("size", "left-right", "top-bottom", "center", "score")
MASK_KINDS = ("auto", "parsing", "soft", "crop")
_LONGEST_TEXT = 1000
_AUTO = ("fidelity", "auto")
"""As the command line has it."""
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
GROUP_TITLES = {
    "restore": "restoration",
    "detect": "finding faces",
    "select": "choosing faces",
    "blend": "putting faces back",
    "measure": "measuring faces",
}
"""The groups of settings, in order, with their titles."""

Choices = tuple[str, ...] | Callable[[], tuple[str, ...]]
"""The allowed values, or what looks them up."""
AnyOptions = TypeVar("AnyOptions", bound="Options")


def detector_choices() -> tuple[str, ...]:
    """auto and every detector in the registry."""
    return ("auto", *(row.name for row in architectures("detector")))


@dataclass(frozen=True)
class OptionSpec:
    """How a setting is shown and checked."""

    name: str
    default: Any
    label: str
    help: str
    group: str
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] | None = None
    retired: Mapping[str, str] = field(default_factory=dict)
    """Values of earlier versions that are still accepted, and their present names."""
    parse: Callable[[Any], object] | None = None
    """Raises InputError for text it cannot parse."""
    is_basic: bool = False
    """One of the few settings most people change; pages fold the others."""

    def check(self, value: Any) -> None:
        """Raise InputError unless the value is allowed."""
        if self.choices is not None:
            if value not in (*self.choices, *self.retired):
                raise InputError(f"{self.name}: {_shown(value)} is not known; choose one of {', '.join(self.choices)}")
        elif isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise InputError(f"{self.name}: must be true or false, got {_shown(value)}")
        elif isinstance(self.default, str):
            self._check_text(value)
        else:
            self._check_number(value)

    def current(self, value: Any) -> Any:
        """The value under its present name."""
        return self.retired.get(value, value) if self.retired else value

    def _check_text(self, value: Any) -> None:
        if not isinstance(value, str):
            raise InputError(f"{self.name}: needs text, got {_shown(value)}")
        if len(value) > _LONGEST_TEXT:
            raise InputError(f"{self.name}: has {len(value):,} characters, more than the {_LONGEST_TEXT:,} allowed")
        if self.parse is not None:
            self.parse(value)

    def _check_number(self, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            more = "; for automatic fidelity set auto_fidelity to true" if (self.name, value) == _AUTO else ""
            raise InputError(f"{self.name}: needs a number, got {_shown(value)}{more}")
        try:
            number = float(value)
        except OverflowError as error:
            raise InputError(f"{self.name}: the number is far too large") from error
        if isinstance(self.default, int) and not number.is_integer():
            raise InputError(f"{self.name}: needs a whole number, got {value!r}")
        low, high = self.minimum, self.maximum
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            raise InputError(f"{self.name}: {value} is outside {low} to {high}")


def _shown(value: object) -> str:
    return shortened(repr(value))


def option(
    default: Any,
    label: str,
    help: str,
    group: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    step: float | None = None,
    choices: Choices | None = None,
    retired: Mapping[str, str] | None = None,
    parse: Callable[[Any], object] | None = None,
    is_basic: bool = False,
) -> Any:
    """A dataclass field with its `OptionSpec`; see there for the arguments."""
    shown = {"label": label, "help": help, "group": group, "is_basic": is_basic}
    limits = {"minimum": minimum, "maximum": maximum, "step": step}
    words = {"choices": choices, "retired": retired or {}, "parse": parse}
    return field(default=default, metadata=shown | limits | words)


# fmt: off
@dataclass(frozen=True)
class Options:
    """Base of the groups of settings.

    Values are checked on creation, and a bad one raises InputError. Whole numbers become what the setting is, int or
    float: pages and JSON may send 4.0 for 4, or 1 for 1.0.
    """

    def __post_init__(self) -> None:
        for spec in option_specs(type(self)):
            value = getattr(self, spec.name)
            spec.check(value)
            object.__setattr__(self, spec.name, type(spec.default)(spec.current(value)))

    def replace(self: AnyOptions, **changes: Any) -> AnyOptions:
        """A copy with some values changed."""
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True)
class NetworkOptions(Options):
    """How the network restores faces."""

    fidelity: float = option(DEFAULT_FIDELITY, "Fidelity", "0 is the texture alone, 1 is closest to the input. With a v2, VQFR's own instructions use 0.1, its code 0. The paper's v1 has no fidelity; ours goes from the texture image at 0 to the published result at 0.5 and above. CodeFormer has one, too; GFPGAN and RestoreFormer do not.", "restore", minimum=0.0, maximum=1.0, step=0.05, is_basic=True)
    precision: str = option("auto", "Precision", "Number format of the network. auto takes bf16 on CPUs that compute in it and fp16 on NVIDIA cards, if the first face comes out like in fp32; else fp32, which is exact. Codes are always chosen in fp32.", "restore", choices=PRECISIONS)
    batch_size: int = option(0, "Faces at once", "How many faces go through the network together. Halved automatically when memory runs out. 0 picks 1 on a CPU, where larger batches are slower, and 4 elsewhere.", "restore", minimum=0, maximum=64, step=1)
    aligned: bool = option(False, "Input is an aligned face", "The whole image is one face, already cropped like FFHQ: no detection, no blending.", "restore")


@dataclass(frozen=True)
class FindOptions(Options):
    """How faces are found."""

    detector: str = option("auto", "Detector", "auto uses RetinaFace ResNet50 when its weights are present, else the built-in mobile0.25.", "detect", choices=detector_choices, is_basic=True)
    min_confidence: float = option(0.8, "Minimum confidence", "Faces with a lower detector confidence are skipped.", "detect", minimum=0.02, maximum=1.0, step=0.01, is_basic=True)
    detection_size: int = option(1280, "Detection size", "The longer side of the image is reduced to this many pixels for detection.", "detect", minimum=128, maximum=8192, step=32)
    tiles: bool = option(False, "Detect in tiles", "Also look at full resolution, tile by tile: finds tiny faces in huge images.", "detect")
    rotations: bool = option(False, "Detect rotated faces", "Also look at the image turned by 90, 180 and 270 degrees.", "detect")
    min_face_px: float = option(24.0, "Minimum face size", "Faces whose shorter side is below this many pixels are skipped.", "detect", minimum=0.0, maximum=8192.0, step=1.0)
    max_face_px: float = option(0.0, "Maximum face size", "Faces whose longer side is above this many pixels are skipped. 0: no limit.", "detect", minimum=0.0, maximum=65536.0, step=1.0)
    min_face_fraction: float = option(0.0, "Minimum face fraction", "Faces smaller than this fraction of the image's shorter side are skipped.", "detect", minimum=0.0, maximum=1.0, step=0.01)
    max_face_fraction: float = option(1.0, "Maximum face fraction", "Faces larger than this fraction of the image's shorter side are skipped. 1: no limit.", "detect", minimum=0.0, maximum=1.0, step=0.01)


@dataclass(frozen=True)
class SelectOptions(Options):
    """Which of the faces found are used."""

    select: str = option("all", "Select", "all, none, largest, center, or face numbers in sort order: 0, -1, 0,2, 1:3.", "select", parse=parse_selection, is_basic=True)
    sort: str = option("size", "Sort by", "Order in which faces are numbered.", "select", choices=SORT_ORDERS, is_basic=True)
    max_faces: int = option(0, "At most", "Keep only this many of the selected faces. 0: no limit.", "select", minimum=0, maximum=1000, step=1)


@dataclass(frozen=True)
class BlendOptions(Options):
    """How restored faces are put back."""

    mask: str = option("auto", "Mask", "auto uses face parsing when its weights are present, else a soft shape drawn from the landmarks; crop takes the whole crop.", "blend", choices=MASK_KINDS, retired={"box": "crop"}, is_basic=True)
    regions: str = option("skin,brows,eyes,glasses,nose,mouth,ears", "Regions", "Which parts a parsing mask takes from the restored face: " + ", ".join(FACE_REGIONS) + ".", "blend", parse=parse_regions)
    erode: float = option(0.02, "Erode", "Shrink the mask by this fraction of the face's size; negative grows it.", "blend", minimum=-0.2, maximum=0.3, step=0.01)
    feather: float = option(0.06, "Feather", "Width of the soft edge, as a fraction of the face's size.", "blend", minimum=0.0, maximum=0.5, step=0.01)
    opacity: float = option(1.0, "Opacity", "1 shows the restored face, 0 the input.", "blend", minimum=0.0, maximum=1.0, step=0.05, is_basic=True)
    color_match: float = option(1.0, "Colour match", "How closely the restored face matches the input's colours. Grey pictures stay grey.", "blend", minimum=0.0, maximum=1.0, step=0.05, is_basic=True)
    grain: float = option(0.0, "Grain", "How much of the input's grain is added back to the restored face.", "blend", minimum=0.0, maximum=1.0, step=0.05)
    scale: float = option(1.0, "Output scale", "Size of the result relative to the input. Faces are pasted at the target resolution.", "blend", minimum=1.0, maximum=4.0, step=0.5, is_basic=True)
    detail: float = option(1.0, "Finer detail", "How much detail of the input a face keeps that is larger than the network's crop, which never showed it. Noise and JPEG blocks are left out.", "blend", minimum=0.0, maximum=1.0, step=0.05)


@dataclass(frozen=True)
class MeasureOptions(Options):
    """What is decided by measuring the faces."""

    only_degraded: bool = option(False, "Only degraded faces", "Leave faces alone that are already sharp at the network's size, usually 512 px. The report gives each face's sharpness.", "measure")
    auto_fidelity: bool = option(False, "Automatic fidelity", "Choose a fidelity for each face, as realistic as its likeness allows, instead of the one set. A v1 stays at 0.5.", "measure")
# fmt: on


@dataclass(frozen=True)
class RestoreOptions(MeasureOptions, BlendOptions, SelectOptions, FindOptions, NetworkOptions):
    """All settings of one restoration; each step also accepts just its own group."""


def option_specs(options: type[Options] = RestoreOptions) -> list[OptionSpec]:
    """The settings of a group, or all, in display order."""
    return [_spec(f) for f in fields(options)]


def parse_fidelities(text: str) -> tuple[float, ...]:
    """Parse numbers from 0 to 1, such as "0, 0.5, 1". Raises InputError for anything else."""
    try:
        values = tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        values = ()
    if not values or not all(0 <= value <= 1 for value in values):
        raise InputError(f"fidelities: {text!r} is not a list of numbers from 0 to 1, such as 0, 0.5, 1")
    return values


def _spec(f: "dataclasses.Field[Any]") -> OptionSpec:
    choices = f.metadata["choices"]
    listed = choices() if callable(choices) else choices
    return OptionSpec(name=f.name, default=f.default, **{**f.metadata, "choices": listed})
