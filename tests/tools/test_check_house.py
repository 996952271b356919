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
    ("tools/update_readme.py", "from tests.hosts import comfyui", "tools.update_readme -> tests"),
]
"""File, import inside a function, and what is said about it."""
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
    plant(folder, [(path, code) for path, code, _ in FORBIDDEN])
    return check(folder, "--contracts")


@pytest.mark.parametrize(("path", "code", "said"), FORBIDDEN)
def test_a_forbidden_import_is_found(broken_contracts, path, code, said):
    assert f"{said} (l." in broken_contracts or f"{said}." in broken_contracts


@pytest.mark.slow
def test_a_misspelt_option_is_found(tmp_path):
    places = plant(tmp_path, MISSPELT)
    output = check(tmp_path, "--types")
    for place in places:
        assert any(line.startswith(f"{place}: error") and '"opacitty"' in line for line in output.splitlines()), place
