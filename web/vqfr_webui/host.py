"""The WebUI's device, memory, folders, settings, state and saving. Hides all differences between hosts.

Host modules are imported inside functions: the WebUI imports this file during startup.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from PIL import Image

logger = logging.getLogger("vqfr_webui")


def model_folder() -> Path:
    """Where the extension's weights and downloads are: <models>/VQFR."""
    from modules import paths

    return Path(paths.models_path) / "VQFR"


def search_folders() -> list[Path]:
    """Folders of other face tools, which may have the same detectors and parsers."""
    from modules import paths, shared

    models, flags = Path(paths.models_path), shared.cmd_opts
    named = (getattr(flags, "codeformer_models_path", None), getattr(flags, "gfpgan_models_path", None))
    usual = (models / "Codeformer", models / "GFPGAN", models / "facexlib", models / "facedetection")
    return list(dict.fromkeys([*(Path(path) for path in named if path), *usual]))


def device() -> "torch.device":
    """The device of face restoration. A1111 honours `--use-cpu all` and `--use-cpu vqfr`; Forge decides itself."""
    from modules import devices

    chosen: torch.device = devices.get_device_for("vqfr")
    return chosen


def is_supported() -> bool:
    """Whether the program is a relative of A1111: SD.Next loads its extensions, but lacks what they call."""
    from modules import shared

    return hasattr(shared, "face_restorers")


def make_room() -> None:
    """Ask Forge or reForge to move its models out of the way, as its own face restorers do. A1111 cannot."""
    try:
        from modules_forge.utils import prepare_free_memory
    except ImportError:
        try:
            from modules_forge.forge_util import prepare_free_memory
        except ImportError:
            return
    if device().type != "cpu":
        prepare_free_memory()


def collect_garbage() -> None:
    """Free unused device memory."""
    from modules import devices

    devices.torch_gc()


def setting(name: str, default: Any) -> Any:
    """A setting of the WebUI, or the default if it does not exist yet."""
    from modules import shared

    value = getattr(shared.opts, name, None)
    return default if value is None else value


def change_setting(name: str, value: Any) -> None:
    """Change a setting. It is written to the file when the user next saves the settings."""
    from modules import shared

    shared.opts.data[name] = value


def tab_being_built() -> str:
    """The tab whose scripts are making their controls: txt2img, img2img or extras."""
    from modules import scripts

    if scripts.scripts_current is None:
        return "extras"
    return "img2img" if scripts.scripts_current is scripts.scripts_img2img else "txt2img"


def saved_default(control: str) -> Any:
    """What the user saved as a control's default (Settings, Defaults), or None.

    control: as the WebUI's file of defaults names it. The WebUI itself reports a file that it cannot read.
    """
    from modules import shared

    try:
        saved = json.loads(Path(shared.cmd_opts.ui_config_file).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return saved.get(f"{control}/value") if isinstance(saved, dict) else None


def unloads_after_use() -> bool:
    """Whether to remove face restoration from device memory after use."""
    return bool(setting("face_restoration_unload", False)) and device().type != "cpu"


def is_stopped() -> bool:
    """Whether the user pressed Interrupt or Skip."""
    from modules import shared

    state = shared.state
    return bool(state.interrupted or state.skipped or getattr(state, "stopping_generation", False))


def show_progress(text: str, done: int = 0, total: int = 0) -> None:
    """Show text below the WebUI's progress bar. done, total: also move the bar, in our own job."""
    from modules import shared

    shared.state.textinfo = text
    if total:
        shared.state.job_no, shared.state.job_count = done, total


def job_started_at() -> float | None:
    """When the WebUI's current job began; a new job has another value."""
    from modules import shared

    started: float | None = getattr(shared.state, "time_start", None)
    return started


@contextmanager
def job(name: str) -> Iterator[None]:
    """A job of our own: queues behind generations, and Interrupt ends it."""
    from modules import call_queue, shared

    with call_queue.queue_lock:
        shared.state.begin(job=name)
        try:
            yield
        finally:
            shared.state.end()


def report_error(message: str, *, is_ours: bool) -> None:
    """Write to the WebUI's log, with the traceback unless the error was raised on purpose."""
    from modules import errors

    errors.report(f"VQFR: {message}", exc_info=not is_ours)


def tell_page(p: Any, message: str) -> None:
    """Show a line below the pictures of a generation."""
    comment = getattr(p, "comment", None)
    if comment is not None:
        comment(f"VQFR: {message}")


def has_composite_hook() -> bool:
    """Whether the WebUI calls scripts again after compositing an inpainted part (since 1.8)."""
    from modules import scripts

    return hasattr(scripts.Script, "postprocess_image_after_composite")


def save_picture(p: Any, image: "Image.Image", number_in_batch: int, suffix: str) -> None:
    """Save a picture of a generation next to the final one, if that is saved at all."""
    from modules import images, processing, shared

    if not p.save_samples():
        return
    text = processing.create_infotext(
        p, p.prompts, p.seeds, p.subseeds, index=number_in_batch, all_negative_prompts=p.negative_prompts
    )
    images.save_image(
        image,
        p.outpath_samples,
        "",
        p.seeds[number_in_batch],
        p.prompts[number_in_batch],
        shared.opts.samples_format,
        info=text,
        p=p,
        suffix=suffix,
    )


def may_name_folders() -> bool:
    """Whether users of the page may name folders on this machine, as on the WebUI's own Extras tab."""
    from modules import shared

    return not getattr(shared.cmd_opts, "hide_ui_dir_config", False)


def output_folder() -> Path:
    """Where the Extras tab saves."""
    from modules import shared

    return Path(shared.opts.outdir_samples or shared.opts.outdir_extras_samples)


def send_image(button: Any, image: Any, tab: str) -> None:
    """Let a button send the picture of a gr.Image to one of the WebUI's tabs: img2img, inpaint or extras."""
    from modules import infotext_utils

    infotext_utils.register_paste_params_button(
        infotext_utils.ParamBinding(paste_button=button, tabname=tab, source_image_component=image)
    )


def api_is_on() -> bool:
    """Whether the WebUI was started with `--api` or `--nowebui`."""
    from modules import shared

    return bool(getattr(shared.cmd_opts, "api", False) or getattr(shared.cmd_opts, "nowebui", False))


def api_users() -> dict[str, str]:
    """Names and passwords of `--api-auth`; empty: the API is open."""
    from modules import shared

    pairs = [pair.partition(":") for pair in (getattr(shared.cmd_opts, "api_auth", None) or "").split(",") if pair]
    return {name: password for name, _, password in pairs}
