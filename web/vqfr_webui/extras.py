"""The operation on the WebUI's Extras tab: single picture, batch and folder."""

from typing import Any

from modules import scripts_postprocessing
from modules.ui_components import InputAccordion

from vqfr_core.errors import Cancelled

from . import once
from .controls import option_controls
from .infotext import FACES, faces_text, settings_to_infotext
from .models import AUTO, resolve_model
from .request import Request
from .restoring import restore_image


class VqfrExtras(scripts_postprocessing.ScriptPostprocessing):
    """Runs after upscaling, GFPGAN and CodeFormer. An error ends the WebUI's job with its message on the page."""

    # Not the always-visible script's name: the WebUI can show both side by side.
    name = "VQFR Face Restore"
    order = 3500
    extra_only = True  # forks that support it keep this out of txt2img and img2img, where the script is

    def ui(self) -> dict[str, Any]:
        # No HTML ids: the WebUI may show this in three places on one page.
        with InputAccordion(False, label="VQFR Face Restore") as enabled:
            return {"enabled": enabled, **option_controls()}

    def process(self, pp: Any, enabled: bool | None = None, **values: Any) -> None:
        """None for `enabled`, as from the WebUI's API, means off; None for an option means its default."""
        if not enabled:
            return
        if not once.may_run_extras():
            pp.info["VQFR extras"] = "not run, the picture was restored already"
            return
        request = Request.from_names(values)
        model = resolve_model(request.model) if request.model == AUTO else request.model
        try:
            result = restore_image(pp.image, request)
        except Cancelled as error:
            pp.info[FACES] = str(error)
            return
        pp.image = result.image
        pp.info.update({**settings_to_infotext(request, model), FACES: faces_text(result.report)})
