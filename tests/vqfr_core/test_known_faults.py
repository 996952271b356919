import importlib.metadata
import importlib.util
from pathlib import Path

import pytest

from vqfr_core.known_faults import REPAIRED_IN, warn_of_faults

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({}, None),
        ({"pillow": "12.3.0", "gradio": "5.6.0"}, None),
        ({"pillow": "9.5.0", "gradio": "3.41.2"}, "pillow 9.5.0, gradio 3.41.2: known security faults"),
    ],
)
def test_old_packages_are_named(monkeypatch, versions, expected):
    def version(name):
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    text = warn_of_faults()
    assert text == expected or (text is not None and text.startswith(expected))


def test_the_installer_has_the_same_table():
    spec = importlib.util.spec_from_file_location("vqfr_install", ROOT / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.REPAIRED_IN == REPAIRED_IN
