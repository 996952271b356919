"""How the extension comes into the WebUI, and what that costs."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_entry_file_shows_two_classes_and_no_more(webui):
    """The WebUI registers every script class it finds in the file, so a stray import would register one twice."""
    bases = sys.modules["modules.scripts"].Script, sys.modules["modules.scripts_postprocessing"].ScriptPostprocessing
    found = [value for value in vars(webui.entry).values() if isinstance(value, type) and issubclass(value, bases)]
    assert [found_class.__name__ for found_class in found] == ["VqfrExtras", "VqfrScript"]


def test_reload_ui_leaves_no_doubles(webui):
    webui.load()
    assert [restorer.name() for restorer in webui.face_restorers] == ["CodeFormer", "VQFR"]
    for _ in range(2):
        for add_axes in webui.callbacks["before_ui"]:
            add_axes()
    labels = [option.label for option in webui.axes.axis_options]
    assert len(labels) == len(set(labels))


def test_scripts_hold_only_files_that_the_webui_may_run():
    assert [path.name for path in (ROOT / "scripts").iterdir() if path.is_file()] == ["vqfr_webui.py"]


def test_loading_leaves_pytorch_alone(tmp_path):
    """Switched off, the extension must cost nothing: what is heavy is imported at first use."""
    program = f"""
import sys; sys.path[:0] = [{str(ROOT)!r}, {str(Path(__file__).parent)!r}]
for heavy in ("torch", "torchvision", "facexlib", "cv2", "safetensors"):
    sys.modules[heavy] = None  # importing one of these now fails
import importlib.machinery, types
def stub(name, **content):
    module = sys.modules[name] = types.ModuleType(name); module.__dict__.update(content); return module
class Any_:
    def __getattr__(self, name): return lambda *a, **k: None
scripts = stub("modules.scripts", Script=type("Script", (), {{}}))
post = stub("modules.scripts_postprocessing", ScriptPostprocessing=type("S", (), {{}}))
shared = stub("modules.shared", face_restorers=[])
stub("modules.ui_components", InputAccordion=None)
callbacks = stub("modules.script_callbacks")
for name in ("ui_settings", "before_ui", "app_started", "script_unloaded", "ui_tabs"):
    setattr(callbacks, "on_" + name, lambda f: None)
stub("modules", scripts=scripts, scripts_postprocessing=post, shared=shared, script_callbacks=callbacks)
import runpy; runpy.run_path({str(ROOT / "scripts" / "vqfr_webui.py")!r})
assert "gradio" not in sys.modules and "fastapi" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_sd_next_gets_nothing_but_a_line_in_its_log(webui, monkeypatch, caplog):
    """It loads the extensions of A1111, but lacks what ours calls."""
    monkeypatch.delattr(sys.modules["modules.shared"], "face_restorers")
    webui.callbacks.clear()
    webui.load()
    assert "does not run in SD.Next" in caplog.text
    assert not webui.callbacks and not hasattr(webui.entry, "VqfrScript") and not hasattr(webui.entry, "VqfrExtras")
