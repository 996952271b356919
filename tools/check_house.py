"""Check who imports whom (`.importlinter`) and all types (mypy, strictly): python tools/check_house.py

Nodes import the core relatively, from a folder whose name the host chooses, and the WebUI extension is imported under a
name that only its loader gives it. Import-linter and mypy can follow such imports only if the repository is laid out
under those names, so both check such a copy (`STAGED`). For import-linter its modules are reduced to their imports,
including those by name.
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
sys.path.insert(0, str(ROOT))

from tools.spelled_imports import spell_imports  # noqa: E402

CONTRACTS = ROOT / ".importlinter"
TYPES_CONFIG = ROOT / "pyproject.toml"
STAGED = {
    "pack/__init__.py": "__init__.py",
    "pack/nodes": "nodes",
    "pack/vqfr_core": "vqfr_core",
    "vqfr_core": "vqfr_core",
    "vqfr_webui": "web/vqfr_webui",
    "scripts": "scripts",
    "training": "training",
    "tools": "tools",
    "benchmarks": "benchmarks",
    "stand_ins": "stand_ins",
    "install.py": "install.py",
}
"""The layout of the copy. It has the core twice: as the nodes import it and as everything else does."""
TYPED_PACKAGES = ("pack.nodes", "vqfr_core", "vqfr_webui", "scripts", "training", "tools", "benchmarks", "stand_ins")
TYPED_MODULES = ("install",)
MAY_COMPUTE_IMPORTS = (
    "vqfr_core/later.py",
    "vqfr_core/networks/by_spandrel.py",
    "stand_ins/toys.py",
    "stand_ins/webui.py",
)
"""The files with imports whose names are known only at run time."""
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


def reduce_to_imports(folder: Path) -> bool:
    """Leave only imports in the modules of a copy. False if some cannot be told; they are printed."""
    kept = True
    for target, source in STAGED.items():
        for file in [folder / target] if target.endswith(".py") else sorted((folder / target).rglob("*.py")):
            place = file.relative_to(folder)
            original = Path(source, *place.parts[len(Path(target).parts) :]).as_posix()
            try:
                code = spell_imports(file.read_text("utf-8"), place, original in MAY_COMPUTE_IMPORTS)
            except ValueError as error:
                print(f"{original}: {error}")
                kept, code = False, ""
            file.write_text(code, "utf-8")
    # Import-linter wants packages.
    (folder / "scripts" / "__init__.py").touch()
    (folder / "install").mkdir()
    (folder / "install.py").rename(folder / "install" / "__init__.py")
    return kept


def check_contracts(folder: Path) -> bool:
    """Whether every import is allowed. Violations are printed. The copy is of no use afterwards."""
    readable = reduce_to_imports(folder)
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    paths = {"PYTHONPATH": str(folder / HOST_MODULES), "COLUMNS": "160"}
    command = [sys.executable, "-c", code, "--no-logo", "--no-cache", str(CONTRACTS)]
    return _run(command, folder, paths, "contracts") and readable


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
        checks = [
            *([] if arguments.types else [check_contracts]),
            *([] if arguments.contracts else [check_types]),
        ]
        kept = []
        for check in checks:
            folder = Path(name, check.__name__)
            stage(folder)
            kept.append(check(folder))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
