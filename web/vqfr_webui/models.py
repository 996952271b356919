"""The available models, by name. Names cannot reach outside the folders."""

import functools
from typing import TYPE_CHECKING

from vqfr_core.serving.models import Models

from . import host

if TYPE_CHECKING:
    from vqfr_core.weights.store import WeightStore

AUTO = "auto"


@functools.cache
def weight_store() -> "WeightStore":
    """The weights in the WebUI's folders."""
    from vqfr_core.weights.folders import Folders
    from vqfr_core.weights.store import WeightStore

    return WeightStore(lambda: Folders(host.model_folder(), tuple(host.search_folders())))


def models() -> Models:
    """Those that can be asked for."""
    return Models(weight_store())


def model_names() -> list[str]:
    """The user's choices."""
    return models().names()


def current_model(name: str) -> str:
    """The present name of a former choice, which settings and pictures may have; anything else as it is."""
    return weight_store().current_name("restorer", name)


def former_models() -> list[str]:
    """Choices of earlier versions, which are still accepted."""
    return weight_store().former_names("restorer")


def further_names() -> list[str]:
    """What is accepted besides `model_names`: former choices, and names of files without their network."""
    return [*former_models(), *(choice.name for choice in weight_store().files("restorer"))]


def resolve_model(name: str) -> str:
    """See `Models.resolve`."""
    return models().resolve(name)
