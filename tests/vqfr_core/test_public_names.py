import subprocess
import sys

import pytest

import vqfr_core


def test_every_public_name_is_there():
    assert set(vqfr_core.__all__) == set(" ".join(vqfr_core._NAMES.values()).split())
    for name in vqfr_core.__all__:
        assert getattr(vqfr_core, name).__name__ == name
    with pytest.raises(AttributeError, match="nothing_like_it"):
        vqfr_core.nothing_like_it  # noqa: B018


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, vqfr_core; sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'PIL', 'cv2')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
