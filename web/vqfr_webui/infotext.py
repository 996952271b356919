"""Write settings and results to the infotext that a WebUI saves with its pictures, and read them back.

Keys are "VQFR model", which is always there, and "VQFR <option>" for every option that differs from its default.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vqfr_core.errors import InputError, shortened
from vqfr_core.options import OptionSpec, option_specs
from vqfr_core.page.gradio_compat import warn

from .models import AUTO, current_model, resolve_model
from .request import GenerationRequest, Request

if TYPE_CHECKING:
    from vqfr_core.report import Report

PREFIX = "VQFR "
MODEL, FACES, ERROR = f"{PREFIX}model", f"{PREFIX}faces", f"{PREFIX}error"


def key_of(name: str) -> str:
    """The key of an option, e.g. "VQFR min confidence"."""
    return PREFIX + name.replace("_", " ")


def settings_to_infotext(request: Request, model: str) -> dict[str, str]:
    """The settings as infotext entries. model: what "auto" resolved to, or the choice itself."""
    entries = {MODEL: model}
    for spec in option_specs():
        value = getattr(request.options, spec.name)
        if value != spec.default:
            entries[key_of(spec.name)] = str(value)
    usual = GenerationRequest()
    for name in ("when", "inpaint_only"):
        if getattr(request, name, getattr(usual, name)) != getattr(usual, name):
            entries[key_of(name)] = str(getattr(request, name))
    return entries


def faces_text(report: "Report") -> str:
    """The result in a few words: "1 of 2 restored; 1 not selected", or "none found".

    Automatic fidelities are given by number: "2 of 2 restored (fidelity 0.1, 0.8)".
    """
    from vqfr_core.report import count_reasons

    if not report.faces:
        return "none found"
    reasons = count_reasons(face.reason for face in report.faces if face.status == "skipped")
    chosen = [f"{face.fidelity:g}" for face in report.faces if face.fidelity is not None]
    told = f" (fidelity {', '.join(chosen)})" if chosen and report.options["auto_fidelity"] else ""
    return f"{report.num_restored} of {len(report.faces)} restored{told}" + (f"; {reasons}" if reasons else "")


def pasted_model(name: str) -> str:
    """The choice for the model of parsed infotext; auto, said on the page, if there is none of that name here."""
    try:
        resolve_model(name)
    except InputError:
        warn(f"The picture was restored with the model {shortened(name)}, which is not here; auto was chosen instead.")
        return AUTO
    return current_model(name)


def pasted_option(spec: OptionSpec, parameters: Mapping[str, Any]) -> Any:
    """The value of an option in parsed infotext; None if the picture was not made with VQFR.

    Values of earlier versions become their present names; an invalid one gives the default.
    """
    if MODEL not in parameters:
        return None
    text = parameters.get(key_of(spec.name))
    if text is None:
        return spec.default
    try:
        value = _parsed(spec, str(text))
        spec.check(value)
    except (InputError, ValueError):
        return spec.default
    return spec.current(value)


def _parsed(spec: OptionSpec, text: str) -> Any:
    if isinstance(spec.default, bool):
        return text == "True"
    return type(spec.default)(text)
