"""The loaded networks; the same settings give the same object.

They stay loaded for the next run, until the host is asked to unload its models.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar
from weakref import WeakValueDictionary

import torch

from ..vqfr_core.errors import InputError
from ..vqfr_core.networks.base import Detector, Network, Parser, Restorer
from ..vqfr_core.networks.devices import pick_precision
from ..vqfr_core.options import BlendOptions, FindOptions
from ..vqfr_core.pipeline.blending.masks import check_mask, missing_parser, needs_parser, uses_parser
from ..vqfr_core.weights.folders import Folders
from ..vqfr_core.weights.store import AUTO, WeightStore
from . import host

_MAX_LOADED = 4

AnyNetwork = TypeVar("AnyNetwork", bound=Network)


@dataclass(frozen=True, eq=False, repr=False)
class Held(Generic[AnyNetwork]):
    """A network and its host wrapper. For a restorer this is VQFR_MODEL."""

    network: AnyNetwork
    """Ready to use after `bring`."""
    hold: host.HeldNetwork

    def __repr__(self) -> str:
        return f"<{self.network.name}, {self.network.precision}>"

    @property
    def device(self) -> torch.device:
        """Where the network is while it is used."""
        return self.hold.device

    def bring(self, working_bytes: int = 0) -> AnyNetwork:
        """The network on its device. working_bytes: memory the work itself will take, besides the weights."""
        host.bring_to_device(self.hold, working_bytes=working_bytes)
        return self.network


def _folders() -> Folders:
    return Folders(
        host.model_folder(),
        search=tuple(host.search_folders()),
        listed=tuple(host.further_model_folders()),
        by_name=tuple(host.upscaler_folders()),
    )


_store = WeightStore(_folders)
_kept: OrderedDict[tuple[str, ...], Held[Any]] = OrderedDict()
"""Those used last, though nobody else may hold them now."""
_living: WeakValueDictionary[tuple[str, ...], Held[Any]] = WeakValueDictionary()
"""Those that somebody holds, such as the host's cache of outputs."""


def open_model(name: str, precision: str) -> Held[Restorer]:
    """The restorer of a name from `model_choices`; a missing known one is downloaded.

    Raises WeightsError, DownloadError and InputError like `WeightStore.open`.
    """
    device, name = host.compute_device(), _store.current_name("restorer", name)
    picked = host.allowed_precision(precision)
    pick_precision(picked, device)

    def load() -> Restorer:
        progress = host.download_progress()
        return _store.open("restorer", name, "cpu", picked, progress, for_device=device)

    held = _once("restorer", name, load, picked)
    if held.network.info is not None:
        held.network.reopen = partial(_in_float32, str(held.network.info.path), held.hold)
    return held


def _in_float32(path: str, rounded: host.HeldNetwork) -> Restorer:
    """The weights of a file in float32, on the device together with the network that gave no usable face.

    Together, lest ComfyUI makes room for the one by moving the other, which goes on with the next faces.
    """
    exact = open_model(path, "fp32")
    host.bring_to_device(rounded, exact.hold, working_bytes=exact.network.working_bytes(1))
    return exact.network


def open_detector(name: str) -> Held[Detector]:
    """The face detector of that name. Raises what `WeightStore.open` does, and InputError for no detector's name."""
    name = FindOptions(detector=name).detector
    if name == AUTO:
        name = _store.auto_name("detector") or name  # so that it is loaded once under both names

    def load() -> Detector:
        return _store.open("detector", name, "cpu", progress=host.download_progress(), for_device=host.compute_device())

    return _once("detector", name, load)


def open_small_detector() -> Held[Detector]:
    """The built-in one: what is measured with it does not depend on the weights present."""
    return open_detector(_store.packaged_name("detector"))


def open_parser(options: BlendOptions) -> Held[Parser] | None:
    """The face parser for the mask of the options; None if it needs none, or if "auto" finds no weights.

    Raises InputError for a mask that cannot be made, before the network runs.
    """
    held: Held[Parser] | None = None
    if uses_parser(options.mask) and _store.locate("parser") is not None:
        held = _once("parser", "auto", lambda: _store.open("parser", device="cpu", for_device=host.compute_device()))
    if held is None and needs_parser(options.mask):
        raise InputError(missing_parser(options.mask, _store.advice("parser")))
    check_mask(options, None if held is None else held.network)
    return held


def model_choices() -> list[str]:
    """The model menu: auto, the known models, then other files, of other packs' folders with their network."""
    return [choice.text for choice in _store.choices("restorer")]


def check_model(name: str | None) -> bool | str:
    """True for what the menu lists and for former names, which saved graphs may have; else why not.

    name: None for one that another node will give.
    """
    choices = model_choices()
    if name is None or name in (*choices, *_store.former_names("restorer")):
        return True
    return f"model: {name!r} is not known; choose one of {', '.join(choices)}"


def weights_state(name: str) -> str:
    """Changes whenever the weights behind a model's name do: another file found for it, or a file replaced."""
    return _store.state("restorer", name)


def _once(role: str, name: str, load: Callable[[], AnyNetwork], precision: str = "fp32") -> Held[AnyNetwork]:
    """What was loaded with these settings; the least recently used is let go if there are too many."""

    def key() -> tuple[str, ...]:
        return role, name, precision, str(host.compute_device()), _store.state(role, name)

    wanted = key()
    held = _living.get(wanted)
    if held is None:
        network = load()
        wanted = key()  # a download changes it
        held = _living[wanted] = Held(network, host.HeldNetwork(network.module, _kept.clear))
    _kept[wanted] = held
    _kept.move_to_end(wanted)
    while len(_kept) > _MAX_LOADED:
        _kept.popitem(last=False)
    return held
