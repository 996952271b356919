import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "heavy"), [("host", ("torch", "gradio", "PIL")), ("build", ("gradio",)), ("standalone", ("gradio",))]
)
def test_importing_the_page_loads_no_more_than_it_must(module, heavy):
    code = f"import sys, vqfr_core.page.{module}; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
