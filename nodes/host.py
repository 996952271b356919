"""Everything that touches ComfyUI: folders, devices, memory, progress, interruption, previews.

Written for ComfyUI 0.3.48 to 0.8. Its modules are imported where they are used, so that the pack can be listed without
them.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

FOLDER = "vqfr"
_SUFFIXES = {".safetensors", ".pth"}
_OTHER_FOLDERS = ("facerestore_models", "facedetection", "facexlib")
"""Where other face packs keep weights; searched, never written to. Their restorers are in the menu."""
_UPSCALERS = ("upscale_models",)
"""Searched only by name: most of the files are no face networks, and a look into each would take seconds."""

_STEPS = 1000
_SHOWN_PX = 512

_log = logging.getLogger(__name__)


def register_folders() -> None:
    """Make models/vqfr a model folder, in addition to those from extra_model_paths.yaml."""
    import folder_paths

    folder_paths.add_model_folder_path(FOLDER, str(Path(folder_paths.models_dir) / FOLDER))
    paths, suffixes = folder_paths.folder_names_and_paths[FOLDER]
    folder_paths.folder_names_and_paths[FOLDER] = (paths, set(suffixes) | _SUFFIXES)


def model_folder() -> Path:
    """Where downloads go: the first of our model folders."""
    import folder_paths

    return Path(folder_paths.get_folder_paths(FOLDER)[0])


def further_model_folders() -> list[Path]:
    """Our other model folders, whose files the menu also lists."""
    import folder_paths

    return [Path(path) for path in folder_paths.get_folder_paths(FOLDER)[1:]]


def search_folders() -> list[Path]:
    """Folders of other packs that may already have weights."""
    return _folders_called(_OTHER_FOLDERS)


def upscaler_folders() -> list[Path]:
    """Folders of upscalers, where a few people keep face networks."""
    return _folders_called(_UPSCALERS)


def _folders_called(names: Sequence[str]) -> list[Path]:
    import folder_paths

    named: list[Path] = []
    for name in names:
        if name in folder_paths.folder_names_and_paths:
            named += [Path(path) for path in folder_paths.get_folder_paths(name)]
        named.append(Path(folder_paths.models_dir) / name)
    return list(dict.fromkeys(named))


def compute_device() -> torch.device:
    """Where ComfyUI wants networks to run."""
    from comfy import model_management

    device: torch.device = model_management.get_torch_device()
    return device


def result_device() -> torch.device:
    """Where ComfyUI wants images and masks to be: the CPU, unless started with --gpu-only."""
    from comfy import model_management

    device: torch.device = model_management.intermediate_device()
    return device


def allowed_precision(precision: str) -> str:
    """The precision asked for, or fp32 when ComfyUI was started with --force-fp32."""
    from comfy.cli_args import args

    if not getattr(args, "force_fp32", False):
        return precision
    if precision not in ("auto", "fp32"):
        _log.warning("precision %s was asked for, but ComfyUI runs with --force-fp32: fp32 is used", precision)
    return "fp32"


class HeldNetwork:
    """A network under ComfyUI's memory management, which may offload it at any time."""

    def __init__(self, network: nn.Module, let_go: Callable[[], None]) -> None:
        """network: on the CPU. let_go: called when the user asks ComfyUI to unload its models."""
        from comfy import model_management
        from comfy.model_patcher import ModelPatcher
        from comfy.patcher_extension import CallbacksMP

        self._patcher = ModelPatcher(
            VqfrNetwork(network),
            load_device=model_management.get_torch_device(),
            offload_device=model_management.unet_offload_device(),
        )
        # A running node only wants the device's memory, for which ComfyUI has moved the weights to the CPU.
        self._patcher.add_callback(CallbacksMP.ON_DETACH, lambda *_: None if _is_node_running() else let_go())

    @property
    def device(self) -> torch.device:
        """Where the network is while it is used."""
        device: torch.device = self._patcher.load_device
        return device


def bring_to_device(*networks: HeldNetwork, working_bytes: int = 0) -> None:
    """Have ComfyUI make room and load networks to their device; they stay until it needs the room for others.

    working_bytes: memory the work itself will take, besides the weights.
    """
    from comfy import model_management

    patchers = [network._patcher for network in networks]
    model_management.load_models_gpu(patchers, memory_required=working_bytes, force_full_load=True)
    for patcher in patchers:
        # With --novram, ComfyUI offloads only layers it has replaced with its own; ours are plain ones.
        patcher.model.to(patcher.load_device)


def _is_node_running() -> bool:
    from comfy_execution.utils import get_executing_context

    return get_executing_context() is not None


def stop_if_interrupted() -> bool:
    """Raise the host's own exception if the user pressed cancel, else return False; a `should_stop` callback."""
    from comfy import model_management

    model_management.throw_exception_if_processing_interrupted()
    return False


def progress_bar(total: int) -> Callable[[int], None]:
    """A progress bar on the running node; call the result with how much of the total is done."""
    from comfy.utils import ProgressBar

    bar = ProgressBar(total)
    return lambda done: bar.update_absolute(done, total)


class FaceProgress:
    """A bar, a line of text and the face just done, on the running node; a callback of (faces done, faces in all)."""

    def __init__(self, start: float = 0.0, end: float = 0.9, words: str = "") -> None:
        """start, end: the part of the node's work that these faces are, in [0, 1]. words: go before the line."""
        from comfy.utils import ProgressBar

        self._bar = ProgressBar(_STEPS)
        self._start, self._end, self._words = start, end, words
        self._done = start

    def __call__(self, done: int, total: int) -> None:
        self._done = self._start + (self._end - self._start) * done / max(1, total)
        self._bar.update_absolute(round(_STEPS * self._done), _STEPS)
        if done < total:
            say(f"{self._words}face {done + 1} of {total}")

    def show(self, picture: Any) -> None:
        """A Pillow image of the face just done."""
        self._bar.update_absolute(round(_STEPS * self._done), _STEPS, ("JPEG", picture, _SHOWN_PX))


def say(text: str) -> None:
    """Show a line on the running node."""
    from comfy_execution.utils import get_executing_context
    from server import PromptServer

    node, server = get_executing_context(), PromptServer.instance
    if node is not None:
        server.send_progress_text(text, node.node_id, server.client_id)


def download_progress() -> Callable[[int, int | None], None]:
    """A progress bar as a callback of (bytes done, bytes in all or None)."""
    from comfy.utils import ProgressBar

    bar = ProgressBar(1)

    def update(done: int, total: int | None) -> None:
        stop_if_interrupted()
        if total:
            bar.update_absolute(done, total)

    return update


def save_previews(images: torch.Tensor, node: Any) -> list[Any]:
    """Images (B, H, W, 3) as files in the host's temporary folder, as entries of a node's `ui` output."""
    from comfy_api.latest import ui

    return list(ui.PreviewImage(images, cls=node).as_dict()["images"])


class VqfrNetwork(nn.Module):
    """ModelPatcher sets `device` and more on the module it is given, where our networks have a property."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
