"""The WebUI runs this file at startup and registers the two classes in it. The code is in web/vqfr_webui."""

import importlib.util
import sys
from pathlib import Path

import vqfr_core  # noqa: F401  imported while the WebUI has this extension on its path; afterwards it stays importable

if "vqfr_webui" not in sys.modules:  # "Reload UI" runs this file again
    folder = Path(__file__).parents[1] / "web" / "vqfr_webui"
    spec = importlib.util.spec_from_file_location("vqfr_webui", folder / "__init__.py")
    assert spec and spec.loader
    package = sys.modules["vqfr_webui"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)

from vqfr_webui import host

if host.is_supported():
    from vqfr_webui.extras import VqfrExtras  # noqa: F401
    from vqfr_webui.register import register
    from vqfr_webui.script import VqfrScript  # noqa: F401

    register()
else:
    host.logger.warning(
        "VQFR Face Restore does not run in SD.Next, and adds nothing to it. Its own page does the same: "
        "`python -m vqfr_core ui` in the extension's folder"
    )
