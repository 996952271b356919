"""The available models, by name. Names cannot reach outside the folders."""

import functools
from typing import TYPE_CHECKING, Any

from vqfr_core.errors import InputError, shortened

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


def model_names() -> list[str]:
    """The user's choices: auto, the known models, and other files, of other tools' folders with their network."""
    return [choice.text for choice in weight_store().choices("restorer")]


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
    """Resolve a choice to a known model or the path of a file in the folders.

    auto is the best model present. Raises InputError for anything but a choice, including paths.
    """
    store, name = weight_store(), current_model(name)
    if name == AUTO:
        return store.auto_name("restorer") or name
    if name in store.names("restorer"):
        return name
    for choice in store.choices("restorer"):
        if name in (choice.name, choice.text):
            return str(choice.path)
    raise InputError(f"model: {shortened(name)!r} is not known; choose one of {', '.join(model_names())}")


def is_present(name: str) -> bool:
    """Whether a weight file needs no download."""
    return weight_store().locate(None, name) is not None


def describe_models() -> list[dict[str, Any]]:
    """Every weight file by name, for programs: kind, whether it is present, licence. No folders."""
    store = weight_store()
    known = [(role, choice) for role in store.roles() for choice in store.known(role)]
    names = {AUTO, *store.names("restorer")}
    own = [("restorer", choice) for choice in store.choices("restorer") if choice.name not in names]
    return [
        {
            "name": choice.name,
            "kind": role,
            "network": choice.kind,
            "present": choice.path is not None,
            "licence": choice.licence,
            "origin": choice.origin,
        }
        for role, choice in known + own
    ]
