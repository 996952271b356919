"""A broken law or a misspelt option is found wherever it is: in functions, and behind relative imports."""

import os
import shutil
import subprocess
import sys

import pytest

from tools.check_house import CONTRACTS, ROOT, STAGED, TYPES_CONFIG

FORBIDDEN = [
    ("vqfr_core/networks/devices.py", "from ..weights import load", "vqfr_core.networks.devices -> vqfr_core.weights"),
    ("vqfr_core/pipeline/align.py", "from ..drawing import faces", "vqfr_core.pipeline.align -> vqfr_core.drawing"),
    ("vqfr_core/types.py", "import folder_paths", "vqfr_core.types -> folder_paths"),
    ("vqfr_core/errors.py", "from ..nodes import host", "vqfr_core.errors -> pack.nodes.host"),
    ("vqfr_core/report.py", "import gradio", "vqfr_core.report -> gradio"),
    ("vqfr_core/restorer.py", "from .evaluation import pixels", "vqfr_core.restorer -> vqfr_core.evaluation.pixels"),
    ("nodes/graph/blend.py", "from ...vqfr_core.cli import main", "pack.nodes.graph.blend -> pack.vqfr_core.cli"),
    ("nodes/images.py", "from comfy import utils", "pack.nodes.images -> comfy"),
    ("web/vqfr_webui/tab.py", "from vqfr_core.cli import main", "vqfr_webui.tab -> vqfr_core.cli"),
    ("web/vqfr_webui/once.py", "from modules import shared", "vqfr_webui.once -> modules.shared"),
    ("web/vqfr_webui/script.py", "from modules import devices", "vqfr_webui.script -> modules"),
    ("training/curves.py", "import tests.conftest", "training.curves -> tests"),
    ("scripts/vqfr_webui.py", "from vqfr_core.cli import main", "scripts.vqfr_webui -> vqfr_core.cli"),
    ("scripts/vqfr_webui.py", "from modules import shared", "scripts.vqfr_webui -> modules.shared"),
    ("install.py", "from nodes import host", "install -> nodes"),
    ("install.py", "from vqfr_core import errors", "install -> vqfr_core"),
    ("tools/update_readme.py", "from tests.hosts import comfyui", "tools.update_readme -> tests"),
]
"""File, import inside a function, and what is said about it."""
FORBIDDEN_BY_NAME = [
    (
        "vqfr_core/networks/registry.py",
        'later("vqfr_core", "weights.load", "load")',
        "vqfr_core.networks.registry -> vqfr_core.weights.load",
    ),
    (
        "vqfr_core/restorer.py",
        'from .later import later; later(__package__, "evaluation.pixels", "psnr")',
        "vqfr_core.restorer -> vqfr_core.evaluation.pixels",
    ),
    (
        "vqfr_core/pipeline/__init__.py",
        'from ..later import names_later as late; late("vqfr_core", {"drawing.faces": "draw_faces"})',
        "vqfr_core.pipeline -> vqfr_core.drawing.faces",
    ),
    (
        "nodes/models.py",
        'from ..vqfr_core.later import later; later("pack.vqfr_core", "cli", "main")',
        "pack.nodes.models -> pack.vqfr_core.cli",
    ),
    (
        "nodes/images.py",
        'from importlib import import_module; import_module("..vqfr_core.cli", __package__)',
        "pack.nodes.images -> pack.vqfr_core.cli",
    ),
    (
        "nodes/faces.py",
        'import importlib; importlib.import_module("..vqfr_core.page")',
        "pack.nodes.faces -> pack.vqfr_core.page",
    ),
    ("web/vqfr_webui/once.py", '__import__("vqfr_core.evaluation")', "vqfr_webui.once -> vqfr_core.evaluation"),
    ("install.py", 'importlib.import_module("nodes")', "install -> nodes"),
]
"""The same for an import by name."""
NODE = "nodes/graph/simple.py"
TAB = "web/vqfr_webui/tab.py"
MISSPELT = [
    (NODE, "from ...vqfr_core.options import RestoreOptions; RestoreOptions(opacitty=0.5)"),
    (NODE, "from ...vqfr_core.options import RestoreOptions; RestoreOptions().opacitty"),
    (TAB, "from vqfr_core.options import RestoreOptions; RestoreOptions().opacitty"),
]


def plant(folder, faults):
    """Copy the code into a folder and add a function for each fault, a file and a line. Returns the lines' places."""
    for source in {*STAGED.values(), CONTRACTS.name, TYPES_CONFIG.name}:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, folder / source, ignore=shutil.ignore_patterns("*.safetensors", "*.npz"))
        else:
            shutil.copy2(ROOT / source, folder / source)
    places = []
    for path, code in faults:
        text = (folder / path).read_text(encoding="utf-8") + f"\n\ndef planted{len(places)}() -> None:\n    {code}\n"
        (folder / path).write_text(text, encoding="utf-8")
        places.append(f"{path}:{text.count(chr(10))}")
    return places


def check(folder, what):
    """What the check of the copy says. Mypy's cache is the repository's: it knows all files but the planted ones."""
    command = [sys.executable, str(folder / "tools" / "check_house.py"), what]
    environment = {**os.environ, "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def broken_contracts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    plant(folder, [(path, code) for path, code, _ in [*FORBIDDEN, *FORBIDDEN_BY_NAME]])
    return check(folder, "--contracts")


@pytest.mark.parametrize(("path", "code", "said"), [*FORBIDDEN, *FORBIDDEN_BY_NAME])
def test_a_forbidden_import_is_found(broken_contracts, path, code, said):
    assert f"{said} (l." in broken_contracts or f"{said}." in broken_contracts


@pytest.mark.slow
def test_an_import_whose_name_cannot_be_told_is_refused(tmp_path):
    (place,) = plant(tmp_path, [("nodes/steps.py", "import importlib; importlib.import_module(str())")])
    output = check(tmp_path, "--contracts")
    path, line = place.split(":")
    assert f"{path}: cannot tell what is imported on line {line}" in output


@pytest.mark.slow
def test_a_misspelt_option_is_found(tmp_path):
    places = plant(tmp_path, MISSPELT)
    output = check(tmp_path, "--types")
    for place in places:
        assert any(line.startswith(f"{place}: error") and '"opacitty"' in line for line in output.splitlines()), place
