"""Run a WebUI's Extras pipeline with arguments, inside the WebUI's own process; there is no HTTP route for that.

Called by test_webui.py with the WebUI's Python in its folder: run_extras.py JOBS WEBUI_FLAGS...
JOBS is a JSON list of {"source", "target", "arguments"}; each result is written to its target, its infotext beside it.
"""

import json
import sys
from pathlib import Path

jobs = json.loads(sys.argv.pop(1))
sys.path.insert(0, str(Path.cwd()))

from PIL import Image  # noqa: E402

try:
    from modules_forge.initialization import initialize_forge

    initialize_forge()
except ImportError:
    pass
from modules import initialize  # noqa: E402

initialize.imports()
initialize.initialize()
from modules import postprocessing, scripts  # noqa: E402

_UPSCALE = {
    "upscale_enabled": False, "upscale_mode": 0, "upscale_by": 1, "max_side_length": 0, "upscale_to_width": 64,
    "upscale_to_height": 64, "upscale_crop": False, "upscaler_1_name": "None", "upscaler_2_name": "None",
    "upscaler_2_visibility": 0,
}  # fmt: skip

for job in jobs:
    arguments = scripts.scripts_postproc.create_args_for_run(
        {"Upscale": _UPSCALE, "VQFR Face Restore": job["arguments"]}
    )
    image = Image.open(job["source"])
    images, shown, _ = postprocessing.run_postprocessing(0, image, None, "", "", True, *arguments, save_output=False)
    images[0].save(job["target"])
    Path(job["target"]).with_suffix(".txt").write_text(shown)  # the infotext; the image's own info differs by host
