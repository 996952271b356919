"""The always-visible script's work at each step of a generation. `p` is the WebUI's processing object."""

from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from vqfr_core.errors import Cancelled, InputError, VqfrError, shortened, without_folders

from . import host, once
from .infotext import ERROR, FACES, PREFIX, faces_text, settings_to_infotext
from .models import AUTO, resolve_model
from .request import BEFORE, GenerationRequest
from .restoring import restore_image

AXES = "vqfr_axes"
"""The attribute of `p` in which X/Y/Z plots put their values, by name."""


def begin(p: Any, is_enabled: bool, named: Mapping[str, Any] | None, controls: Mapping[str, Any]) -> None:
    """Read what to do. Values of an X/Y/Z plot override those given by name, which override the controls."""
    job, axes = once.begin(p), dict(getattr(p, AXES, {}))
    if job is None:
        return
    for key in [key for key in p.extra_generation_params if key.startswith(PREFIX)]:
        del p.extra_generation_params[key]  # the cells of an X/Y/Z plot share one dictionary
    if job.has_script or not axes.pop("enabled", bool(axes) or is_enabled):
        return
    p.extra_generation_params.update({FACES: faces_of_picture, ERROR: error_of_picture})
    try:
        if named is not None and not isinstance(named, Mapping):
            raise InputError(f"the second argument is a dictionary of options by name, got {shortened(named)}")
        request = GenerationRequest.from_names({**controls, **(named or {}), **axes})
        model = resolve_model(request.model)
    except VqfrError as error:
        p.extra_generation_params[ERROR] = without_folders(str(error))  # it travels with the pictures
        _tell(p, str(error), is_ours=True)
        return
    job.request = request
    shown = model if request.model == AUTO else request.model
    p.extra_generation_params.update(settings_to_infotext(request, shown))


def fix(p: Any, pp: Any, when: str) -> None:
    """Restore the faces of a picture (`pp.image`) if this is the right moment. Never raises, to keep the picture."""
    job = once.job_of(p)
    if job is None or job.request is None or _moment(job.request) != when:
        return
    number = number_of(p)
    try:
        pp.image, job.faces[number] = _fixed(p, pp.image, job.request, number)
    except Cancelled as error:
        job.faces[number] = str(error)
    except Exception as error:  # whatever goes wrong, a picture that took minutes to make must not be lost
        message = str(error) or type(error).__name__
        job.errors[number] = without_folders(message)
        nth = number[0] * getattr(p, "batch_size", 1) + number[1] + 1
        _tell(p, f"picture {nth} was left unchanged: {message}", isinstance(error, VqfrError))


def _fixed(p: Any, image: Image.Image, request: GenerationRequest, number: once.Number) -> tuple[Image.Image, str]:
    mask = _inpaint_mask(p, image.size, request) if request.inpaint_only else None
    if request.save_before:
        _save_before(p, image, number[1])
    has_fixed_size = mask is not None or (request.when == BEFORE and getattr(p, "overlay_images", None))
    options = request.options.replace(scale=1.0) if has_fixed_size else request.options
    result = restore_image(image, GenerationRequest(request.model, options), mask)
    restored = result.image if mask is None else _inside(mask, result.image, image)
    return restored, faces_text(result.report)


def _moment(request: GenerationRequest) -> str:
    return request.when if host.has_composite_hook() else BEFORE


def _inpaint_mask(p: Any, size: tuple[int, int], request: GenerationRequest) -> Image.Image | None:
    """White where the picture is repainted, at the picture's size; None if nothing is masked."""
    mask: Image.Image | None = getattr(p, "mask_for_overlay", None)
    if mask is None:
        return None
    spot = getattr(p, "paste_to", None)  # (x, y, width, height) of the part that "Only masked" paints
    if spot and _moment(request) == BEFORE:
        mask = mask.crop((spot[0], spot[1], spot[0] + spot[2], spot[1] + spot[3]))
    return mask.convert("L").resize(size, Image.Resampling.BILINEAR)


def _inside(mask: Image.Image, restored: Image.Image, before: Image.Image) -> Image.Image:
    return before if restored is before else Image.composite(restored, before.convert(restored.mode), mask)


def _save_before(p: Any, image: Image.Image, number_in_batch: int) -> None:
    """With an infotext that does not claim what is not done yet."""
    kept = p.extra_generation_params
    p.extra_generation_params = {key: value for key, value in kept.items() if not key.startswith(PREFIX)}
    try:
        host.save_picture(p, image, number_in_batch, "-before-vqfr")
    finally:
        p.extra_generation_params = kept


def _tell(p: Any, message: str, is_ours: bool) -> None:
    host.report_error(message, is_ours=is_ours)
    host.tell_page(p, message)


def number_of(p: Any) -> once.Number:
    """The index of the current picture in the generation."""
    return getattr(p, "iteration", 0), getattr(p, "batch_index", 0)


def _text_of(entries_of: Callable[[once.Job], Mapping[once.Number, str]]) -> Callable[..., str | None]:
    """Called by the WebUI with the variables of its create_infotext, for the entry of the picture it writes."""

    def text(**known: Any) -> str | None:
        p, index = known["p"], known["index"]
        job = getattr(p, "vqfr_job", None)  # also of a copy
        if job is None or known.get("use_main_prompt"):  # the text of a grid
            return None
        is_in_batch = known.get("all_prompts") is getattr(p, "prompts", None)
        number = (getattr(p, "iteration", 0), index) if is_in_batch else divmod(index, getattr(p, "batch_size", 1))
        return entries_of(job).get(number)

    return text


faces_of_picture = _text_of(lambda job: job.faces)
"""What was done with the faces of a picture."""
error_of_picture = _text_of(lambda job: job.errors)
"""Why it could not be restored."""
