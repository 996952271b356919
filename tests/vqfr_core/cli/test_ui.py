import os
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from vqfr_core.cli import main


def test_without_gradio_the_command_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["ui"]) == 1
    assert "pip install 'vqfr-face-restore[ui]'" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--port", "70000"], ["--port", "x"], ["--max-upload", "0"], ["photo.jpg"]])
def test_wrong_usage(words, capsys):
    assert main(["ui", *words]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_missing_model_is_told_at_the_start(capsys):
    pytest.importorskip("gradio", reason="the page needs gradio (pip install gradio)")
    assert main(["ui", "--model", "no-such-file.pth"]) == 2
    assert "there is no file" in capsys.readouterr().err


@pytest.mark.slow
def test_it_serves_until_it_is_ended(tmp_path):
    pytest.importorskip("gradio", reason="the page needs gradio (pip install gradio)")
    command = [sys.executable, "-u", "-m", "vqfr_core", "ui", "--port", "0", "--device", "cpu", "--no-download"]
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().split()[4]
            assert address.startswith("http://127.0.0.1:")
            visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            with visitor.open(address, timeout=30) as answer:
                assert b"VQFR Face Restore" in answer.read()
            page = address.partition("?")[0]
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(page, timeout=30)
            rebound = urllib.request.Request(f"{page}config", headers={"Host": "evil.example"})
            with pytest.raises(urllib.error.HTTPError, match="403"):
                visitor.open(rebound, timeout=30)
            for path in ("/etc/passwd", str(tmp_path), "pyproject.toml"):
                with pytest.raises(urllib.error.HTTPError, match=r"40[34]"):
                    visitor.open(f"{page}gradio_api/file={path}", timeout=30)
            assert list(tmp_path.glob("vqfr-page-*"))
            server.terminate()  # Ctrl-C would not arrive where the tests run in the background: it is ignored there
            assert server.wait(timeout=30) == 0
            assert not list(tmp_path.glob("vqfr-page-*"))
        finally:
            server.kill()
