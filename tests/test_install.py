import ast
import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest

FILE = Path(__file__).parents[1] / "install.py"


@pytest.fixture
def installer(monkeypatch):
    spec = importlib.util.spec_from_file_location("vqfr_install", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("COMFYUI_FOLDERS_BASE_PATH", "COMFYUI_PATH", "INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    return module


class Machine:
    """A made-up Python installation and a pip that works on it."""

    def __init__(self, installer, monkeypatch, host=None):
        self.versions = {requirement.name: "99.0" for requirement in installer.everything_needed()}
        self.modules = {"cv2", "torch", "torchvision", "pip"}
        self.calls = []
        self.failure = None
        self.requirement = installer.Requirement
        self.result = installer.PipResult
        monkeypatch.setattr(installer, "installed_version", self.versions.get)
        monkeypatch.setattr(installer, "is_importable", self.modules.__contains__)
        monkeypatch.setattr(installer, "detect_host", lambda: host)
        monkeypatch.setattr(installer, "run_pip", self.run_pip)

    def run_pip(self, arguments):
        self.calls.append(arguments)
        return self.result(self.failure is None, self.failure or "")


@pytest.fixture
def machine(installer, monkeypatch):
    return Machine(installer, monkeypatch)


def test_only_the_standard_library_is_imported():
    tree = ast.parse(FILE.read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module.split(".")[0])
    assert names <= sys.stdlib_module_names


def test_requirements_are_plain_and_leave_torch_out(installer):
    names = [requirement.name.lower() for requirement in installer.everything_needed()]
    assert "facexlib" in names and len(names) == len(set(names))
    assert not {"torch", "torchvision", "gradio"} & set(names)


def test_hosts_do_not_install_what_facexlib_lists(installer):
    assert "facexlib" not in (FILE.parent / "requirements.txt").read_text()
    assert [need.name for need in installer.read_requirements(FILE.parent / "requirements-no-deps.txt")] == ["facexlib"]


def test_a_line_that_is_not_plain_is_an_error(installer, tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy>=1.23\n-r other.txt\n")
    with pytest.raises(ValueError, match=r"other\.txt"):
        installer.read_requirements(tmp_path / "requirements.txt")


@pytest.mark.parametrize("host", [None, "webui", "comfyui"])
def test_nothing_is_run_when_nothing_is_missing(installer, monkeypatch, capsys, host):
    machine = Machine(installer, monkeypatch, host)
    assert installer.main() == 0
    assert machine.calls == []
    assert capsys.readouterr().out == ("VQFR: everything needed is installed.\n" if host is None else "")


def test_only_what_is_missing_is_installed(installer, machine, capsys):
    machine.versions["platformdirs"] = machine.versions["facexlib"] = None
    assert installer.main() == 0
    assert machine.calls == [["platformdirs>=3.0"], ["--no-deps", "facexlib>=0.3.0"]]
    assert "everything needed is installed" in capsys.readouterr().out


def test_opencv_is_installed_only_when_no_build_of_it_is_there(installer, machine):
    machine.modules.discard("cv2")
    assert installer.main() == 0
    assert machine.calls == [["opencv-python-headless"]]


@pytest.mark.parametrize(("host", "code"), [(None, 1), ("webui", 0), ("comfyui", 0)])
def test_without_network_one_line_says_what_to_run(installer, monkeypatch, capsys, host, code):
    machine = Machine(installer, monkeypatch, host)
    monkeypatch.setattr(installer, "webui_skips_installing", lambda: False)
    machine.versions["facexlib"] = None
    machine.failure = "ERROR: No matching distribution found for facexlib"
    assert installer.main() == code
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "could not" in line]
    assert "No matching distribution" in line
    assert line.endswith(f'"{sys.executable}" -m pip install --no-deps "facexlib>=0.3.0"')


@pytest.mark.parametrize(("host", "code"), [(None, 1), ("webui", 0), ("comfyui", 0)])
def test_torch_is_never_installed_but_explained(installer, monkeypatch, capsys, host, code):
    machine = Machine(installer, monkeypatch, host)
    machine.modules -= {"torch", "torchvision"}
    assert installer.main() == code
    assert machine.calls == []
    assert "torch and torchvision not found" in capsys.readouterr().out


def test_an_old_package_is_named_and_not_touched(installer, machine, capsys):
    machine.versions["numpy"] = "1.9.3"
    assert installer.main() == 1
    assert machine.calls == []
    assert "numpy 1.9.3 is older than" in capsys.readouterr().out


def test_known_faults_are_named_once_and_are_no_failure(installer, machine, capsys):
    machine.versions.update({"pillow": "9.5.0", "filelock": "3.12.0"})
    assert installer.main() == 0 and machine.calls == []
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "faults" in line)
    assert "pillow 9.5.0 is older than 10.3" in line and "filelock 3.12.0" in line


def test_extras_are_installed_only_when_asked_for(installer, machine, capsys):
    assert installer.main() == 0 and machine.calls == []
    assert installer.main(["--with", "heif, tiff"]) == 0
    (call,) = machine.calls
    assert {name.partition(">")[0] for name in call} == {"pi-heif", "tifffile", "imagecodecs"}
    machine.versions.update({"pi-heif": "1.4.0", "tifffile": "2026.1.1", "imagecodecs": "2026.1.1"})
    assert installer.main(["--with", "heif,tiff"]) == 0 and len(machine.calls) == 1
    with pytest.raises(SystemExit):
        installer.main(["--with", "magic"])
    assert "choose from evaluate, heif" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("version", "is_old"), [("9.5", False), ("10.0.1", False), ("9.4.9", True), ("12.0.0rc1", False)]
)
def test_versions_are_compared_by_number(installer, machine, version, is_old):
    machine.versions["pillow"] = version
    assert bool(installer.find_outdated([installer.Requirement("pillow", "9.5")])) == is_old


@pytest.mark.parametrize("skip", [True, False])
def test_skip_install_of_the_webui_is_respected(installer, monkeypatch, capsys, tmp_path, skip):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "launch_utils.py").touch()
    (tmp_path / "launch.py").write_text(f"class args:\n    skip_install = {skip}\n")
    detect_host = installer.detect_host
    machine = Machine(installer, monkeypatch)
    monkeypatch.setattr(installer, "detect_host", detect_host)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("INDEX_URL", "https://mirror.example/simple")
    machine.versions["tqdm"] = None
    assert installer.main() == 0
    sys.modules.pop("launch")
    assert machine.calls == ([] if skip else [["--index-url", "https://mirror.example/simple", "tqdm>=4.62"]])
    assert ("--skip-install" in capsys.readouterr().out) == skip


def test_a_webui_that_cannot_be_imported_does_not_stop_us(installer, monkeypatch, capsys, tmp_path):
    (tmp_path / "launch.py").write_text("raise SystemExit(2)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert installer.webui_skips_installing() is False
    assert "SystemExit" in capsys.readouterr().out


def test_hosts_are_told_from_persons(installer, monkeypatch, tmp_path):
    assert installer.detect_host() is None
    monkeypatch.setenv("COMFYUI_FOLDERS_BASE_PATH", str(tmp_path))
    assert installer.detect_host() == "comfyui"
    monkeypatch.delenv("COMFYUI_FOLDERS_BASE_PATH")
    monkeypatch.setattr(installer, "ROOT", tmp_path / "custom_nodes" / "comfyui-vqfr")
    assert installer.detect_host() == "comfyui"
    (tmp_path / "launch.py").write_text("")  # another program's module of that name
    monkeypatch.setattr(installer, "ROOT", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert installer.detect_host() is None


def test_pip_holds_everything_installed_at_its_version(installer, monkeypatch):
    seen = {}

    def run(command, **options):
        seen["command"] = command
        seen["constraints"] = Path(command[command.index("-c") + 1]).read_text()
        return subprocess.CompletedProcess(command, 1, "", "WARNING: x\nERROR: no network\nhint: try later\n")

    monkeypatch.setattr(installer.subprocess, "run", run)
    result = installer.run_pip(["--no-deps", "facexlib"])
    assert result == (False, "ERROR: no network")
    assert seen["command"][0] == sys.executable and seen["command"][-2:] == ["--no-deps", "facexlib"]
    pinned = dict(line.split("==") for line in seen["constraints"].splitlines())
    for name in ("torch", "torchvision", "numpy", "pillow"):
        assert pinned[name] == installer.installed_version(name)


def test_constraints_leave_out_what_pip_could_not_parse(installer, monkeypatch):
    class Package:
        def __init__(self, name, version):
            self.metadata, self.version = {"Name": name}, version

    packages = [
        Package("A.b_C", "1.0+cu121"),
        Package("a-b-c", "2.0"),
        Package("odd", "4.0-unsupported"),
        Package(None, "1"),
    ]
    monkeypatch.setattr(installer.importlib.metadata, "distributions", lambda: packages)
    assert installer.installed_constraints() == "a-b-c==1.0+cu121\n"


def test_uv_stands_in_for_pip(installer, machine):
    assert installer.pip_command()[-1] == "15" and "pip" in installer.pip_command()
    machine.modules.discard("pip")
    assert installer.pip_command() is None
    machine.modules.add("uv")
    assert installer.pip_command()[-4:] == ["pip", "install", "--python", sys.executable]


def test_a_pip_that_cannot_start_is_a_failure_with_a_reason(installer, monkeypatch):
    def run(command, **options):
        raise OSError("no such program")

    monkeypatch.setattr(installer.subprocess, "run", run)
    assert installer.run_pip(["facexlib"]) == (False, "no such program")


def test_looking_takes_no_time(installer):
    requirements = installer.everything_needed()
    durations = []
    for _ in range(3):
        start = time.perf_counter()
        installer.find_missing(requirements)
        installer.find_outdated(requirements)
        installer.torch_problems()
        installer.detect_host()
        durations.append(time.perf_counter() - start)
    assert min(durations) < 0.1
