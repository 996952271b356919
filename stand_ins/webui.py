"""The smallest WebUI that the extension can be loaded into: stand-ins for `modules.*` and for Gradio."""

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from PIL import Image

ROOT = Path(__file__).parents[1]


class Component:
    """Any Gradio component or layout block: remembers what it was built with."""

    def __init__(self, value: Any = None, **arguments: Any) -> None:
        self.value, self.arguments = value, arguments
        self.label = arguments.get("label")
        assert self.label is None or isinstance(self.label, str)  # the hosts' own check of scripts

    def __enter__(self) -> "Component":
        return self

    def __exit__(self, *error: object) -> None:
        pass


class Processing:
    """The parts of a WebUI generation that the extension reads."""

    def __init__(self) -> None:
        self.extra_generation_params: dict[str, Any] = {}
        self.comments: list[str] = []
        self.prompts, self.negative_prompts, self.seeds, self.subseeds = ["a"], [""], [1], [0]
        self.iteration = self.batch_index = 0
        self.batch_size = 1
        self.outpath_samples = "out"
        self.script_args: list[Any] = []

    def comment(self, text: str) -> None:
        self.comments.append(text)

    def save_samples(self) -> bool:
        return True

    def infotext(self, index: int = 0, is_grid: bool = False) -> dict[str, Any]:
        """What the WebUI would write for a picture of the current batch."""
        known = {"p": self, "index": index, "all_prompts": self.prompts, "use_main_prompt": is_grid}
        values = {k: v(**known) if callable(v) else v for k, v in self.extra_generation_params.items()}
        return {key: value for key, value in values.items() if value is not None}


class State(SimpleNamespace):
    def begin(self, job: str) -> None:
        self.jobs.append(job)
        self.time_start += 1.0

    def end(self) -> None:
        self.jobs.append("end")


class AxisOption:
    def __init__(self, label: str, type: type, apply: Any, confirm: Any = None, cost: float = 0, choices: Any = None):
        self.label, self.type, self.apply, self.confirm, self.choices = label, type, apply, confirm, choices


class OptionInfo:
    def __init__(self, default: Any, label: str, component: Any, component_args: Any, section: Any) -> None:
        self.default, self.label, self.component_args = default, label, component_args

    def info(self, text: str) -> "OptionInfo":
        return self


class WebUI:
    """The stand-ins, and the extension loaded by its real entry file."""

    def __init__(self, folder: Path) -> None:
        self.models_path = folder / "models"
        self.opts = SimpleNamespace(
            samples_format="png", add_option=lambda name, info: self.settings.update({name: info})
        )
        self.opts.data = vars(self.opts)
        self.flags = SimpleNamespace(
            api=True, nowebui=False, api_auth=None, ui_config_file=str(folder / "ui-config.json")
        )
        self.tabs = {name: object() for name in ("txt2img", "img2img")}
        self.state = State(
            jobs=[], time_start=1.0, textinfo="", interrupted=False, skipped=False, stopping_generation=False
        )
        self.settings: dict[str, OptionInfo] = {}
        self.callbacks: dict[str, list[Any]] = {}
        self.face_restorers = [SimpleNamespace(name=lambda: "CodeFormer")]
        self.axes = SimpleNamespace(axis_options=[AxisOption("Seed", int, None)], AxisOption=AxisOption)
        self.reported: list[str] = []
        self.sent: list[dict[str, Any]] = []
        self.saved: list[tuple[Image.Image, dict[str, Any]]] = []
        self.entry: ModuleType | None = None

    def add_setting(self, name: str, info: OptionInfo) -> None:
        self.settings[name] = info

    def modules(self) -> dict[str, ModuleType]:
        def on(name: str) -> Callable[[Any], None]:
            return lambda function: self.callbacks.setdefault(name, []).append(function)

        hooks = dict.fromkeys(("postprocess_image", "postprocess_image_after_composite"), lambda *a: None)
        script = type("Script", (), {**hooks, "elem_id": lambda self, name: f"script_{name}"})
        infotext = lambda p, *a, index, **k: p.infotext(index)  # noqa: E731
        save = lambda image, *a, info, suffix, **k: self.saved.append((image, {"info": info, "suffix": suffix}))  # noqa: E731
        contents: dict[str, dict[str, Any]] = {
            "shared": {
                "opts": self.opts, "cmd_opts": self.flags, "state": self.state,
                "face_restorers": self.face_restorers, "OptionInfo": OptionInfo,
            },
            "paths": {"models_path": str(self.models_path)},
            "devices": {"get_device_for": lambda task: torch.device("cpu"), "torch_gc": lambda: None},
            "errors": {"report": lambda text, exc_info: self.reported.append(text)},
            "call_queue": {"queue_lock": threading.Lock()},
            "scripts": {
                "Script": script, "AlwaysVisible": object(), "scripts_current": None,
                **{f"scripts_{name}": runner for name, runner in self.tabs.items()},
                "scripts_data": [SimpleNamespace(path="/webui/scripts/xyz_grid.py", module=self.axes)],
            },
            "scripts_postprocessing": {"ScriptPostprocessing": type("ScriptPostprocessing", (), {})},
            "ui_components": {"InputAccordion": Component},
            "script_callbacks": {
                f"on_{name}": on(name)
                for name in ("ui_settings", "before_ui", "app_started", "script_unloaded", "ui_tabs")
            },
            "infotext_utils": {"ParamBinding": dict, "register_paste_params_button": self.sent.append},
            "processing": {"create_infotext": infotext},
            "images": {"save_image": save},
        }  # fmt: skip
        made = {"modules": ModuleType("modules"), "gradio": ModuleType("gradio")}
        for name in ("Dropdown", "Slider", "Checkbox", "Textbox", "Number", "Radio", "Accordion", "Row", "State"):
            setattr(made["gradio"], name, type(name, (Component,), {}))
        for name, content in contents.items():
            module = made[f"modules.{name}"] = ModuleType(f"modules.{name}")
            module.__dict__.update(content)
            setattr(made["modules"], name, module)
        return made

    def load(self) -> ModuleType:
        """Run scripts/vqfr_webui.py as the WebUI does: by path, under its file name."""
        path = ROOT / "scripts" / "vqfr_webui.py"
        spec = importlib.util.spec_from_file_location(path.name, path)
        assert spec and spec.loader
        self.entry = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.entry)
        return self.entry

    def part(self, name: str) -> ModuleType:
        """A module of the extension."""
        return importlib.import_module(f"vqfr_webui.{name}")

    def script(self, tab: str = "txt2img") -> Any:
        """The always-visible script with its UI built."""
        assert self.entry is not None
        script = self.entry.VqfrScript()
        with self.building(tab):
            script.controls = script.ui(tab == "img2img")
        return script

    @contextmanager
    def building(self, tab: str) -> Iterator[None]:
        """While the WebUI makes the controls of the scripts in that tab."""
        runners = sys.modules["modules.scripts"]
        vars(runners)["scripts_current"] = self.tabs.get(tab)
        try:
            yield
        finally:
            vars(runners)["scripts_current"] = None
