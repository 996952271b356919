"""The smallest ComfyUI that the node pack can be loaded into: schemas are kept, devices are the CPU."""

import importlib.util
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[1]
PACK = "comfyui_vqfr"


class Interrupted(Exception):
    """The host's InterruptProcessingException."""


@dataclass
class Socket:
    """An input or output of a schema."""

    io_type: str
    id: str
    settings: dict[str, Any]


def socket_type(io_type: str) -> Any:
    """A type such as `io.Image`: a class each for inputs and outputs."""

    def make(id: str, **settings: Any) -> Socket:
        return Socket(io_type, id, settings)

    return SimpleNamespace(io_type=io_type, Input=make, Output=make)


@dataclass
class Schema:
    node_id: str
    display_name: str = ""
    category: str = ""
    description: str = ""
    inputs: list[Socket] = field(default_factory=list)
    outputs: list[Socket] = field(default_factory=list)
    is_output_node: bool = False
    has_intermediate_output: bool = False


class NodeOutput:
    def __init__(self, *args: Any, ui: Any = None) -> None:
        self.args, self.ui = args, ui


class Host:
    """The state that tests read and change."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.progress: list[tuple[int, int, Any]] = []
        """Done, total and preview."""
        self.loaded: list[Any] = []
        self.interrupt_after: int | None = None
        """How many checks pass before the host interrupts."""
        self.force_fp32 = False
        self.previews: list[torch.Tensor] = []
        self.folders: dict[str, tuple[list[str], set[str]]] = {}
        self.said: list[str] = []
        self.is_running_node = True

    def check_interrupted(self) -> None:
        if self.interrupt_after is not None:
            self.interrupt_after -= 1
            if self.interrupt_after < 0:
                raise Interrupted

    def modules(self) -> dict[str, ModuleType]:
        """The modules to put into `sys.modules`."""
        cpu = torch.device("cpu")
        io = _module(
            "io",
            ComfyNode=type("ComfyNode", (), {"hidden": None}),
            Schema=Schema,
            NodeOutput=NodeOutput,
            Custom=socket_type,
            NumberDisplay=SimpleNamespace(slider="slider"),
            Input=Socket,
            Output=Socket,
            **{name: socket_type(name.upper()) for name in ("Image", "Mask", "Int", "Float", "String", "Boolean")},
            **{name: socket_type(name.upper()) for name in ("Combo", "BBOX", "SEGS")},
        )
        latest = _module("comfy_api.latest", io=io, ui=_module("ui", PreviewImage=self._preview))
        latest.ComfyExtension = type("ComfyExtension", (), {})  # type: ignore[attr-defined]
        management = _module(
            "comfy.model_management",
            get_torch_device=lambda: cpu,
            intermediate_device=lambda: cpu,
            unet_offload_device=lambda: cpu,
            throw_exception_if_processing_interrupted=self.check_interrupted,
            load_models_gpu=lambda models, memory_required=0, force_full_load=False: self.loaded.append(
                (models, memory_required)
            ),
        )
        folder_paths = _module(
            "folder_paths",
            models_dir=str(self.models),
            folder_names_and_paths=self.folders,
            add_model_folder_path=self._add_folder,
            get_folder_paths=lambda name: list(self.folders[name][0]),
            get_filename_list=self._files,
            get_full_path=self._full_path,
        )
        modules = [latest, management, folder_paths]
        modules += [_module("comfy_api", latest=latest), _module("comfy", model_management=management)]
        modules.append(_module("comfy.model_patcher", ModelPatcher=ModelPatcher))
        modules.append(_module("comfy.utils", ProgressBar=self._progress_bar))
        modules.append(_module("comfy.patcher_extension", CallbacksMP=SimpleNamespace(ON_DETACH="on_detach")))
        modules.append(_module("comfy_execution.utils", get_executing_context=self._context))
        server = SimpleNamespace(client_id="page", send_progress_text=lambda text, node, sid: self.said.append(text))
        modules.append(_module("server", PromptServer=SimpleNamespace(instance=server)))
        modules.append(_module("comfy.cli_args", args=SimpleNamespace(force_fp32=self.force_fp32)))
        return {module.__name__: module for module in modules}

    def _preview(self, images: torch.Tensor, cls: Any = None) -> Any:
        self.previews.append(images)
        return SimpleNamespace(as_dict=lambda: {"images": [{"filename": f"{i}.png"} for i in range(len(images))]})

    def _progress_bar(self, total: int) -> Any:
        return SimpleNamespace(
            update_absolute=lambda done, total, preview=None: self.progress.append((done, total, preview))
        )

    def _context(self) -> Any:
        return SimpleNamespace(node_id="1") if self.is_running_node else None

    def _add_folder(self, name: str, path: str) -> None:
        self.folders.setdefault(name, ([], set()))[0].append(path)

    def _files(self, name: str) -> list[str]:
        paths, suffixes = self.folders[name]
        files = [path for folder in paths for path in Path(folder).rglob("*") if path.suffix in suffixes]
        return sorted(path.name for path in files)

    def _full_path(self, name: str, file: str) -> str | None:
        found = [path for folder in self.folders[name][0] for path in Path(folder).rglob(file)]
        return str(found[0]) if found else None


class ModelPatcher:
    def __init__(self, model: torch.nn.Module, load_device: torch.device, offload_device: torch.device) -> None:
        self.model, self.load_device = model, load_device
        model.device = offload_device  # type: ignore[assignment]  # the real one sets it, too
        self._callbacks: list[Any] = []

    def add_callback(self, kind: str, callback: Any) -> None:
        self._callbacks.append(callback)

    def detach(self) -> None:
        for callback in self._callbacks:
            callback(self, True)


def load_pack(host: Host, modules: dict[str, ModuleType]) -> ModuleType:
    """The root `__init__.py` as the host loads it. modules: `sys.modules`, with the host's already in it."""
    modules.update(host.modules())
    spec = importlib.util.spec_from_file_location(PACK, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec and spec.loader
    pack = importlib.util.module_from_spec(spec)
    modules[PACK] = pack
    spec.loader.exec_module(pack)
    return pack


def forget_pack() -> None:
    for name in [name for name in sys.modules if name == PACK or name.startswith(f"{PACK}.")]:
        del sys.modules[name]


def _module(name: str, **members: Any) -> ModuleType:
    module = ModuleType(name)
    for key, value in members.items():
        setattr(module, key, value)
    return module
