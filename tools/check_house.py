"""Check who imports whom (`.importlinter`) and all types (mypy, strictly): python tools/check_house.py

Nodes import the core relatively, from a folder whose name the host chooses, and the WebUI extension is imported under a
name that only its loader gives it. Import-linter and mypy can follow such imports only if the repository is laid out
under those names, so both check such a copy (`STAGED`).
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = ROOT / ".importlinter"
TYPES_CONFIG = ROOT / "pyproject.toml"
STAGED = {
    "pack/__init__.py": "__init__.py",
    "pack/nodes": "nodes",
    "pack/vqfr_core": "vqfr_core",
    "vqfr_core": "vqfr_core",
    "vqfr_webui": "web/vqfr_webui",
    "training": "training",
    "tools": "tools",
    "benchmarks": "benchmarks",
    "stand_ins": "stand_ins",
    "install.py": "install.py",
}
"""The layout of the copy. It has the core twice: as the nodes import it and as everything else does."""
TYPED_PACKAGES = ("pack.nodes", "vqfr_core", "vqfr_webui", "training", "tools", "benchmarks", "stand_ins")
TYPED_MODULES = ("install",)
HOST_MODULES = "hosts"
"""Folder of the copy with the host's modules for import-linter. Mypy must not see them: they are empty."""


def stage(folder: Path) -> None:
    """Copy the code to be checked. Files keep their times, which mypy's cache relies on."""
    for target, source in STAGED.items():
        copy = folder / target
        copy.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, copy, ignore=_all_but_code)
        else:
            shutil.copy2(ROOT / source, copy)
    webui = folder / HOST_MODULES / "modules"
    webui.mkdir(parents=True)
    for name in ("__init__", *re.findall(r"^ +modules\.(\w+)$", CONTRACTS.read_text("utf-8"), re.MULTILINE)):
        (webui / f"{name}.py").touch()


def _all_but_code(folder: str, names: list[str]) -> list[str]:
    return [
        name for name in names if not (name.endswith(".py") or (Path(folder, name).is_dir() and name[0] not in "._"))
    ]


def check_contracts(folder: Path) -> bool:
    """Whether every import is allowed. Violations are printed."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    paths = {"PYTHONPATH": str(folder / HOST_MODULES), "COLUMNS": "160"}
    return _run([sys.executable, "-c", code, "--no-logo", "--no-cache", str(CONTRACTS)], folder, paths, "contracts")


def check_types(folder: Path) -> bool:
    """Whether mypy finds no errors. Errors are printed with the repository's paths."""
    packages = [argument for name in TYPED_PACKAGES for argument in ("-p", name)]
    modules = [argument for name in TYPED_MODULES for argument in ("-m", name)]
    cache = {"MYPY_CACHE_DIR": os.environ.get("MYPY_CACHE_DIR", str(ROOT / ".mypy_cache"))}
    command = [sys.executable, "-m", "mypy", "--config-file", str(TYPES_CONFIG), *packages, *modules]
    return _run(command, folder, cache, "types")


def _run(command: list[str], folder: Path, environment: dict[str, str], what: str) -> bool:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, text=True, capture_output=True, check=False
    )
    if done.returncode:
        print(_repository_paths(done.stdout) + done.stderr)
    print(f"{what}: {'broken' if done.returncode else 'kept'}")
    return done.returncode == 0


def _repository_paths(text: str) -> str:
    text = re.sub(r"^pack/", "", text, flags=re.MULTILINE)
    return re.sub(r"^vqfr_webui/", "web/vqfr_webui/", text, flags=re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--contracts", action="store_true", help="only who imports whom")
    one.add_argument("--types", action="store_true", help="only types")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stage(folder)
        kept = [
            *([] if arguments.types else [check_contracts(folder)]),
            *([] if arguments.contracts else [check_types(folder)]),
        ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
