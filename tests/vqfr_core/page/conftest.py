"""A page's host over a tiny network, and its sessions."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from vqfr_core import FaceRestorer
from vqfr_core.options import option_specs
from vqfr_core.page.backgrounds import NONE
from vqfr_core.page.host import PageHost
from vqfr_core.page.photo.actions import Asked
from vqfr_core.page.session import Sessions
from vqfr_core.page.standalone import RestorerKeeper, stand_alone
from vqfr_core.weights.store import WeightStore

GROUP = Path(__file__).parents[3] / "stand_ins" / "pictures" / "group.jpg"


@pytest.fixture(autouse=True)
def nothing_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VQFR_MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("VQFR_OFFLINE", "1")
    monkeypatch.delenv("VQFR_MODEL_PATH", raising=False)


@pytest.fixture(scope="session")
def keepers(tiny_v1: str, tiny_v2: str) -> dict[str, RestorerKeeper]:
    return {name: RestorerKeeper(name, "cpu", WeightStore(download=False)) for name in (tiny_v1, tiny_v2)}


@pytest.fixture
def host(keepers: dict[str, RestorerKeeper], tiny_v2: str, tmp_path: Path) -> PageHost:
    """Opens both tiny networks; the second generation is offered first."""

    def open_restorer(name: str) -> FaceRestorer:
        return keepers[name].open() if name in keepers else keepers[tiny_v2].open(name)

    made = stand_alone(keepers[tiny_v2], tmp_path / "temp", may_name_folders=True)
    names, fetch = lambda: list(keepers), lambda *_: None
    return dataclasses.replace(made, model_names=names, open_restorer=open_restorer, fetch=fetch)


@pytest.fixture
def sessions(host: PageHost) -> Sessions:
    return Sessions(host)


@pytest.fixture
def ask(tiny_v2: str) -> Callable[..., Asked]:
    """ask(key, model=..., fidelity=0.3): the settings as the page's controls hand them over."""

    def make(key: str | None = None, model: str = tiny_v2, background: str = NONE, **changes: object) -> Asked:
        return Asked(key, model, [changes.pop(spec.name, spec.default) for spec in option_specs()], background)

    return make
