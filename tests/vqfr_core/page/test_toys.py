"""Networks that only a row made known, in the page's menus and at work."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stand_ins.toys import save_toys, toy_rows
from vqfr_core import RestoreOptions
from vqfr_core.networks import registry
from vqfr_core.options import option_specs
from vqfr_core.page.controls import control_of
from vqfr_core.page.photo import actions
from vqfr_core.page.photo.actions import Asked, Desk
from vqfr_core.page.session import Sessions
from vqfr_core.page.standalone import RestorerKeeper, stand_alone
from vqfr_core.weights.folders import Folders
from vqfr_core.weights.store import WeightStore


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(registry, "ARCHITECTURES", (*registry.ARCHITECTURES, *toy_rows()))
    models = tmp_path / "toys"
    models.mkdir()
    save_toys(models)
    host = stand_alone(RestorerKeeper("auto", "cpu", WeightStore(lambda: Folders(models))), tmp_path, False)
    assert "toy_restorer" in host.model_names()
    return Desk(host, Sessions(host))


def test_toys_are_listed_and_restore_a_photograph(
    desk: Desk, portrait: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(actions, "faces_html", list)
    specs = option_specs()
    (menu,) = (control_of(spec)[1]["choices"] for spec in specs if spec.name == "detector")
    assert "toy_detector" in menu
    portrait.save(tmp_path / "photo.png")
    options = RestoreOptions(detector="toy_detector", mask="parsing", color_match=0.0)
    values = [getattr(options, spec.name) for spec in specs]
    key = desk.open(Asked(None, "toy_restorer", values), tmp_path / "photo.png").key
    shown = desk.restore(Asked(key, "toy_restorer", values), lambda *told: None)
    assert shown.json["model"]["name"] == "toy_restorer"
    assert (shown.json["detector"], shown.json["mask"]) == ("toy_detector", "parsing")
    ((_, before, after),) = shown.crops
    shades = [np.asarray(picture, dtype=int) for picture in (before, after)]
    assert np.abs(255 - shades[0] - shades[1]).max() <= 1
    other = desk.change(
        Asked(key, "toy_restorer", [0.9 if s.name == "opacity" else v for s, v in zip(specs, values, strict=True)]),
        False,
    )
    assert other.json["options"]["opacity"] == 0.9  # from what is kept
