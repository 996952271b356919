import io
import logging
import sys
import warnings

from vqfr_core.cli.console import Console


def test_notes_once(capsys):
    console = Console()
    for _ in range(2):
        console.note("v1 has no fidelity")
    assert capsys.readouterr().err == "note: v1 has no fidelity\n"


def test_the_log_goes_to_stderr_and_the_logger_is_put_back(capsys):
    log = logging.getLogger("vqfr_core")
    before = (log.level, list(log.handlers))
    with Console():
        logging.getLogger("vqfr_core.pipeline.finding.select").warning("no face\nnumber 7")
        logging.getLogger("vqfr_core.weights").info("a detail")
    with Console(verbose=True) as console:
        logging.getLogger("vqfr_core.weights").info("a detail")
        console.detail("stages")
    with Console(quiet=True):
        logging.getLogger("vqfr_core.weights").warning("unheard")
    assert capsys.readouterr().err == "warning: no face number 7\ninfo: a detail\nstages\n"
    assert (log.level, list(log.handlers)) == before


def test_nothing_commands_the_terminal(capsys):
    with Console(verbose=True) as console:
        console.say("one\x1b[2J\ntwo"), console.note("\x1b]0;title"), console.detail("\x9b31m")
        logging.getLogger("vqfr_core.weights").warning("\x1b[31m%s", "x" * 10**6)
        warnings.warn("old\x07", stacklevel=1)
    said = capsys.readouterr()
    assert said.out == "one\\x1b[2J\ntwo\n" and said.err.endswith("warning: old\\x07\n")
    assert not set("\x1b\x9b\x07") & set(said.err) and len(said.err) < 5000


def test_a_bar_only_where_a_person_watches(monkeypatch, capsys):
    with Console().bar("faces", "face") as progress:
        progress(1, 2)
    assert capsys.readouterr().err == ""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    with Console().bar("faces", "face") as progress:
        progress(1, 2)
    assert "1/2" in sys.stderr.getvalue()
