"""GFPGAN, CodeFormer and RestoreFormer files in the WebUI's folders: in every list, and at work."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from stand_ins import restorers
from vqfr_core import RestoreOptions
from vqfr_core.errors import InputError
from vqfr_core.serving.routes import Routes

from .conftest import differs

NAMES = {
    "GFPGAN/GFPGANv1.4.pth": ("conv_body_first.weight", "final_linear.bias"),
    "Codeformer/codeformer-v0.1.0.pth": ("position_emb", "idx_pred_layer.1.weight"),
    "GFPGAN/parser.pth": ("out_mask_conv.conv2d.weight", "encoder.0.conv2d.weight"),
}
TEXTS = ["GFPGANv1.4.pth (GFPGAN)", "codeformer-v0.1.0.pth (CodeFormer)"]


@pytest.fixture
def models(webui) -> Path:
    """As A1111 and Forge keep them; only names count."""
    for name, tensors in NAMES.items():
        path = webui.models_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        torch.save({tensor: torch.zeros(1) for tensor in tensors}, path)
    return webui.models_path


def test_every_list(webui, models):
    part = webui.part("models")
    assert part.model_names()[-2:] == TEXTS
    assert part.resolve_model(TEXTS[0]) == part.resolve_model("GFPGANv1.4.pth") == str(models / "GFPGAN/GFPGANv1.4.pth")
    with pytest.raises(InputError, match="not known"):
        part.resolve_model("GFPGAN/GFPGANv1.4.pth")
    described = part.models().describe()
    assert {"name": "codeformer-v0.1.0.pth", "kind": "restorer", "network": "CodeFormer"}.items() <= described[
        -1
    ].items()
    assert described[-1]["origin"] == "a file in the folder Codeformer" and str(models) not in json.dumps(described)
    assert TEXTS[1] in Routes(webui.part("routes").make_service()).describe_options()["models"]


def test_the_plots_axis_takes_names_with_and_without_their_network(webui, models):
    for add in webui.callbacks["before_ui"]:
        add()
    axis = next(option for option in webui.axes.axis_options if option.label == "[VQFR] Model")
    axis.confirm(None, ["auto", TEXTS[0], "GFPGANv1.4.pth", "vqfr_small"])
    with pytest.raises(RuntimeError, match=r"GFPGANv1\.3.* not known"):
        axis.confirm(None, ["GFPGANv1.3.pth"])


@pytest.mark.slow
def test_a_picture(webui, models, portrait):
    pytest.importorskip("spandrel")
    restorers.save(restorers.restoreformer(), models / "GFPGAN" / "RestoreFormer.pth")
    options = RestoreOptions(fidelity=0.2)
    request = webui.part("request").Request("RestoreFormer.pth (RestoreFormer)", options)
    result = webui.part("restoring").restore_image(portrait, request)
    assert isinstance(result.image, Image.Image) and differs(result.image, portrait)
    assert result.report.model["name"] == "RestoreFormer" and "has no fidelity" in result.report.notes[0]
