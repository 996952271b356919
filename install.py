"""Install the packages that VQFR Face Restore needs. Never touches an installed package.

Three callers: the Stable Diffusion WebUI at every start, ComfyUI-Manager once after cloning, and people with
`python install.py`, who may add extras: `python install.py --with heif,tiff`. If nothing is missing, it only checks. It
never installs PyTorch, because the right build depends on the machine. Under a host the exit code is always 0, so that
the host starts whatever happens here; for people it is 1 if something is still missing. Each problem gets one line that
says what is missing and what to do.
"""

import argparse
import importlib
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
OPENCV = "opencv-python-headless"
USUAL = "requirements.txt"
# facexlib depends on packages that only its tracking uses, and some of them pin numpy. We import its networks, which
# only need OpenCV, Pillow, tqdm, numpy, torch and torchvision. It is not in requirements.txt, because hosts install
# what is listed there with all its dependencies.
WITHOUT_DEPENDENCIES = "requirements-no-deps.txt"
# Versions without known security faults that pictures and pages can reach. Some hosts hold back newer ones, so not all
# are requirements. vqfr_core/known_faults.py has the same table.
REPAIRED_IN = {"pillow": "10.3", "gradio": "5.6", "requests": "2.32.4", "filelock": "3.20.1"}
NO_EXTRAS = ("dev", "no-deps", "train")
TORCH = ("torch", "torchvision")
PIP_TIMEOUT_S = 1800

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:>=\s*([0-9.]+))?\s*")
# What pip accepts in a constraints file; a single entry it cannot parse would stop the whole run.
_VERSION = re.compile(r"(\d+!)?\d+(\.\d+)*((a|b|rc)\d+)?(\.post\d+)?(\.dev\d+)?(\+[a-z0-9]+([._-][a-z0-9]+)*)?")


class Requirement(NamedTuple):
    name: str
    minimum: str
    """Lowest version that works; empty for any."""

    def __str__(self) -> str:
        return f"{self.name}>={self.minimum}" if self.minimum else self.name


class PipResult(NamedTuple):
    succeeded: bool
    message: str
    """Why it failed, in one line."""


def read_requirements(path: Path) -> list[Requirement]:
    """The lines of a requirements file. Each is a name, optionally with ">=" and a version."""
    requirements = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            match = _REQUIREMENT.fullmatch(line.strip())
            if match is None:
                raise ValueError(f"{path}: cannot understand {line.strip()!r}")
            requirements.append(Requirement(match[1], match[2] or ""))
    return requirements


def everything_needed() -> list[Requirement]:
    """All requirements except PyTorch."""
    return read_requirements(ROOT / USUAL) + read_requirements(ROOT / WITHOUT_DEPENDENCIES)


def known_extras() -> list[str]:
    """The extras there are, each with a requirements file of its own."""
    names = (path.stem.partition("-")[2] for path in ROOT.glob("requirements-*.txt"))
    return sorted(name for name in names if name not in NO_EXTRAS)


def read_arguments(words: Sequence[str]) -> list[Requirement]:
    """What the extras need that the user asks for; exits with a message for one that is not known."""
    parser = argparse.ArgumentParser(description="Install the packages that VQFR Face Restore needs.")
    parser.add_argument(
        "--with", dest="extras", default="", metavar="NAME,...", help=f"extras to install: {', '.join(known_extras())}"
    )
    names = [name.strip() for name in parser.parse_args(words).extras.split(",") if name.strip()]
    for name in names:
        if name not in known_extras():
            parser.error(f"{name!r} is not an extra; choose from {', '.join(known_extras())}")
    return [requirement for name in names for requirement in read_requirements(ROOT / f"requirements-{name}.txt")]


def installed_version(name: str) -> str | None:
    """The version of an installed package, or None if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def is_importable(module: str) -> bool:
    """Whether a top-level module can be found, without importing it."""
    return importlib.util.find_spec(module) is not None


def find_missing(requirements: list[Requirement]) -> list[Requirement]:
    """What is not installed. OpenCV is checked by its module: it has several package names, and conda has it too."""
    missing = [requirement for requirement in requirements if installed_version(requirement.name) is None]
    return missing if is_importable("cv2") else [*missing, Requirement(OPENCV, "")]


def find_outdated(requirements: list[Requirement]) -> list[str]:
    """One message for each installed package that is too old."""
    return [
        f"{requirement.name} {version} is older than {requirement.minimum}"
        for requirement in requirements
        if (version := installed_version(requirement.name)) and _numbers(version) < _numbers(requirement.minimum)
    ]


def find_faults() -> list[str]:
    """One message that names the installed packages with known security faults, if there are any."""
    old = find_outdated([Requirement(name, version) for name, version in REPAIRED_IN.items()])
    return [f"known security faults; update if the host allows: {', '.join(old)}"] if old else []


def installed_constraints() -> str:
    """A pip constraints file that pins every installed package, so that pip only adds packages."""
    versions: dict[str, str] = {}
    for package in importlib.metadata.distributions():
        name, version = package.metadata["Name"], package.version
        if name and version and _VERSION.fullmatch(version):
            versions.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)
    return "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))


def detect_host() -> str | None:
    """Who runs this: "webui", "comfyui", or None for a person."""
    launch = importlib.util.find_spec("launch")
    if launch is not None and launch.origin and (Path(launch.origin).parent / "modules" / "launch_utils.py").is_file():
        return "webui"
    if "COMFYUI_FOLDERS_BASE_PATH" in os.environ or "COMFYUI_PATH" in os.environ:
        return "comfyui"
    if ROOT.parent.name == "custom_nodes" and not sys.stdout.isatty():
        return "comfyui"
    return None


def webui_skips_installing() -> bool:
    """Whether the WebUI was started with --skip-install."""
    try:
        launch = importlib.import_module("launch")
        return bool(launch.args.skip_install)
    except (Exception, SystemExit) as error:  # not our code: whatever it does, the WebUI has to start
        print(f"VQFR: could not read the WebUI's settings ({error!r}); continuing without them.")
        return False


def pip_command() -> list[str] | None:
    """The command that installs into this Python: pip, else uv, or None if there is neither."""
    python = [sys.executable, *(["-s"] if sys.flags.no_user_site else []), "-m"]
    if is_importable("pip"):
        quiet = ["--disable-pip-version-check", "--no-input", "--prefer-binary", "--retries", "1", "--timeout", "15"]
        return [*python, "pip", "install", *quiet]
    if is_importable("uv"):
        return [*python, "uv", "pip", "install", "--python", sys.executable]
    return None


def run_pip(arguments: list[str]) -> PipResult:
    """Run `pip install` with these arguments and with every installed package pinned."""
    command = pip_command()
    if command is None:
        return PipResult(False, "this Python has neither pip nor uv")
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "installed.txt"
        constraints.write_text(installed_constraints(), encoding="utf-8")
        command += ["-c", str(constraints), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PIP_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            return PipResult(False, str(error))
    return PipResult(done.returncode == 0, _reason(done.stderr))


def install(missing: list[Requirement], host: str | None) -> list[str]:
    """Install what is missing. Returns a line for each part that failed, with the command to run manually."""
    index = os.environ.get("INDEX_URL", "") if host == "webui" else ""  # the WebUI's own setting
    options = ["--index-url", index] if index else []
    listed_alone = read_requirements(ROOT / WITHOUT_DEPENDENCIES)
    alone = [str(requirement) for requirement in missing if requirement in listed_alone]
    usual = [str(requirement) for requirement in missing if requirement not in listed_alone]
    problems = []
    for names, extra in ((usual, []), (alone, ["--no-deps"])):
        if not names:
            continue
        print(f"VQFR: installing {', '.join(names)}")
        result = run_pip([*options, *extra, *names])
        if not result.succeeded:
            quoted = " ".join(f'"{name}"' for name in names)
            by_hand = " ".join([f'"{sys.executable}" -m pip install', *extra, quoted])
            problems.append(f"could not install {', '.join(names)} ({result.message}). When online, run: {by_hand}")
    importlib.invalidate_caches()
    return problems


def torch_problems() -> list[str]:
    """What to do if PyTorch is missing."""
    missing = [module for module in TORCH if not is_importable(module)]
    if not missing:
        return []
    return [
        f"{' and '.join(missing)} not found. Get the build for your machine from "
        f'https://pytorch.org/get-started/locally, or run: "{sys.executable}" -m pip install {" ".join(missing)}'
    ]


def main(words: Sequence[str] = ()) -> int:
    """Install what is missing and print what went wrong. Returns the exit code. words: the command line's."""
    requirements = everything_needed() + read_arguments(words)
    missing = find_missing(requirements)
    host = detect_host()
    problems = []
    if missing and host == "webui" and webui_skips_installing():
        names = ", ".join(str(requirement) for requirement in missing)
        problems.append(f"{names} not installed, because the WebUI was started with --skip-install.")
    elif missing:
        problems += install(missing, host)
    faulty = [requirement for requirement in requirements if requirement.name in REPAIRED_IN]
    others = [requirement for requirement in requirements if requirement not in faulty]
    problems += [f"{text}; update it yourself if you can." for text in find_outdated(others)]
    problems += torch_problems()
    for problem in problems + find_faults():
        print(f"VQFR: {problem}")
    if not problems and (missing or host is None):
        print("VQFR: everything needed is installed.")
    return 1 if problems and host is None else 0


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", re.split(r"[^0-9.]", version)[0]))


def _reason(output: str) -> str:
    """The most informative line of pip's messages."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["no reason given"])[-1]


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # some consoles lack characters that pip prints
    sys.exit(main(sys.argv[1:]))
