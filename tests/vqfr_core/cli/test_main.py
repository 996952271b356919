"""The command line as a whole: help, versions, exit status, and errors in one line."""

import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import vqfr_core
from vqfr_core.cli import main
from vqfr_core.errors import WeightsError

# Without running the package's own __init__, which may import more than the command line does.
LOOK_AT_IMPORTS = """
import sys, types
package = types.ModuleType("vqfr_core")
package.__path__, package.__version__ = [sys.argv[1]], "0"
sys.modules["vqfr_core"] = package
from vqfr_core.cli import main
try:
    main(["restore", "--help"])
except SystemExit:
    print(sorted({"torch", "PIL", "numpy", "facexlib", "tqdm"} & set(sys.modules)))
"""


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_help_loads_nothing_heavy():
    folder = str(Path(vqfr_core.__file__).parent)
    answer = subprocess.run(
        [sys.executable, "-c", LOOK_AT_IMPORTS, folder], capture_output=True, text=True, check=True, timeout=60
    )
    assert answer.stdout.splitlines()[-1] == "[]"


def test_help_names_the_commands_and_gives_examples(capsys):
    text = help_of(capsys)
    for command in ("restore", "detect", "sweep", "models"):
        assert f"python -m vqfr_core {command}" in text
    assert "130 interrupted" in text


def test_help_of_fidelity_tells_the_defaults_of_the_original(capsys):
    text = help_of(capsys, "restore")
    assert "VQFR's own instructions use 0.1, its code 0" in text
    assert "(default 0.5, 0 to 1, or auto: " in text
    assert "--debug" not in text


@pytest.mark.parametrize("words", [["detect"], ["sweep"], ["models"], ["models", "convert"]], ids=" ".join)
def test_every_command_has_help(capsys, words):
    assert f"python -m vqfr_core {' '.join(words)}" in help_of(capsys, *words)


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"vqfr_core {vqfr_core.__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "COMMAND"),
        (["mend"], "mend"),
        (["restore", "a.png"], "--output"),
        (["restore", "a.png", "-o", "b.png", "--fidelty", "1"], "--fidelty"),
        (["restore", "a.png", "-o", "b.png", "--fid", "1"], "--fid"),
        (["restore", "a.png", "-o", "b.png", "--fidelity", "x"], "--fidelity"),
        (["restore", "a.png", "-o", "b.png", "--fidelity", "1.5"], "1.5 is outside 0.0 to 1.0"),
        (["restore", "a.png", "-o", "b.png", "--fidelity", "nan"], "nan is outside"),
        (["restore", "a.png", "-o", "b.png", "--mask", "square"], "square"),
        (["restore", "a.png", "-o", "b.png", "--quality", "0"], "1 to 100"),
        (["restore", "a.png", "-o", "b.png", "--select", "first"], "first"),
        (["restore", "a.png", "-o", "b.png", "--regions", "skin,hat"], "hat"),
        (["sweep", "a.png", "-o", "b.png", "--fidelities", "0,2"], "from 0 to 1"),
        (["sweep", "a.png", "-o", "b.png", "--fidelities", "0,x"], "not a list of numbers"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_is_one_line_and_status_2(capsys, words, message):
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert message in said.err


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (WeightsError("no\nweights"), 1, "error: no weights"),
        (PermissionError(13, "Permission denied"), 1, "error: Permission denied"),
        (ZeroDivisionError("division"), 1, "error: unexpected ZeroDivisionError: division (--debug shows where)"),
        (MemoryError(), 1, "error: not enough memory; close other programs or use a smaller picture"),
        (KeyboardInterrupt(), 130, "error: interrupted; nothing was left half-written"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_what_ends_a_command_is_one_line(capsys, monkeypatch, error, status, line):
    def fail(store, name):
        raise error

    monkeypatch.setattr("vqfr_core.weights.store.WeightStore.record", fail)
    assert main(["models", "download", "vqfr_v2"]) == status
    assert capsys.readouterr().err == f"{line}\n"


def test_debug_shows_where(capsys, monkeypatch):
    def fail(store, name):
        raise WeightsError("no weights")

    monkeypatch.setattr("vqfr_core.weights.store.WeightStore.record", fail)
    assert main(["models", "download", "vqfr_v2", "--debug"]) == 1
    said = capsys.readouterr().err
    assert "Traceback" in said and said.endswith("error: no weights\n")


def test_sigterm_ends_it_like_ctrl_c(monkeypatch, capsys):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(sys, "argv", ["vqfr_core", "--version"])
    monkeypatch.setattr("os.environ", {})
    try:
        with pytest.raises(SystemExit):
            runpy.run_module("vqfr_core", run_name="__main__")
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
