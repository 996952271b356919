"""What to do with a picture: the model, the core's options, and for generations when and where."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from vqfr_core.errors import InputError, shortened
from vqfr_core.options import RestoreOptions, option_specs

from .models import current_model

AFTER, BEFORE = "after composite", "before composite"
MOMENTS = (AFTER, BEFORE)

AnyRequest = TypeVar("AnyRequest", bound="Request")


@dataclass(frozen=True)
class Request:
    """One restoration."""

    model: str = "auto"
    """A name of `models.model_names`."""
    options: RestoreOptions = field(default_factory=RestoreOptions)
    """The core's settings."""

    @classmethod
    def from_names(cls: type[AnyRequest], values: Mapping[str, Any]) -> AnyRequest:
        """Parse a dictionary from a page or program; None and missing entries are defaults.

        Raises InputError for an unknown name, listing the known ones, and for a bad value.
        """
        own = [f.name for f in dataclasses.fields(cls) if f.name != "options"]
        settings = [spec.name for spec in option_specs()]
        unknown = sorted(set(values) - set(own) - set(settings))
        if unknown:
            raise InputError(
                f"unknown option {shortened(', '.join(unknown))}; known are {', '.join([*own, *settings])}"
            )
        given = {name: value for name, value in values.items() if value is not None}
        options = {name: value for name, value in given.items() if name in settings}
        chosen = {name: given[name] for name in own if name in given}
        if "model" in chosen:
            chosen["model"] = current_model(chosen["model"])
        return cls(**chosen, options=RestoreOptions(**options))


@dataclass(frozen=True)
class GenerationRequest(Request):
    """The restoration of each picture of a generation."""

    when: str = AFTER
    """One of `MOMENTS`: before or after an inpainted part is put into its picture."""
    inpaint_only: bool = True
    """In masked img2img, leave everything outside the mask as it is."""
    save_before: bool = False
    """Also save each picture as it was before."""

    def __post_init__(self) -> None:
        if self.when not in MOMENTS:
            raise InputError(f"when: {shortened(self.when)!r} is not known; choose one of {', '.join(MOMENTS)}")
        for name in ("inpaint_only", "save_before"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name}: is true or false, got {shortened(getattr(self, name))!r}")
