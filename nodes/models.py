"""The networks in use, each loaded once: same settings, same object."""

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..vqfr_core.errors import InputError
from ..vqfr_core.networks.devices import pick_dtype, pick_memory_format, precision_name
from ..vqfr_core.networks.vqfr import Network, V1Config, V2Config
from ..vqfr_core.weights.catalog import RECORDS
from ..vqfr_core.weights.detector import FaceDetectorNet, load_detector
from ..vqfr_core.weights.folders import file_names, find_weights
from ..vqfr_core.weights.load import AUTO_ORDER, load_model
from ..vqfr_core.weights.parser import FaceParserNet, load_parser
from . import host

_MAX_LOADED = 4
_WORKING_BYTES_PER_FACE = {1: 1_100_000_000, 2: 600_000_000}
"""Peak over the weights for one face in float32, by generation, for the published widths; benchmarks/network.py."""
_PUBLISHED_WIDTH = {1: V1Config().channels[0], 2: V2Config().channels[0]}

_loaded: OrderedDict[tuple[Any, ...], Any] = OrderedDict()


@dataclass(frozen=True, eq=False, repr=False)
class Restorer:
    """A VQFR network and the host's hold of it. Travels as VQFR_MODEL."""

    network: Network
    """Ready to use after `bring`."""
    held: host.HeldNetwork

    def __repr__(self) -> str:
        return f"<{self.network.info.name}, {precision_name(self.network.dtype)}>"

    def bring(self, batch_size: int) -> None:
        """Have the network on its device, with room for that many faces at once."""
        network = self.network
        width = network.config.channels[0] / _PUBLISHED_WIDTH[network.generation]
        face_bytes = _WORKING_BYTES_PER_FACE[network.generation] * width * network.dtype.itemsize / 4
        host.bring_to_device(self.held, working_bytes=round(batch_size * face_bytes))


@dataclass(frozen=True, eq=False)
class Finder:
    """A face detector and the host's hold of it."""

    network: FaceDetectorNet
    held: host.HeldNetwork


@dataclass(frozen=True, eq=False)
class Parser:
    """A face parser and the host's hold of it."""

    network: FaceParserNet
    held: host.HeldNetwork


def open_restorer(name: str, precision: str) -> Restorer:
    """The network of a name that `model_choices` lists, downloaded when it is a known one that is missing.

    Raises WeightsError, DownloadError and InputError like `load_model`.
    """
    device = host.compute_device()
    dtype = pick_dtype(host.allowed_precision(precision), device)

    def load() -> Restorer:
        network = load_model(host.model_file(name) or name, "cpu", dtype, **_places())
        network.to(memory_format=pick_memory_format(device))  # type: ignore[call-overload]
        return Restorer(network, host.HeldNetwork(network))

    return _once(("restorer", name, dtype, device, weights_state(name)), load)


def open_finder(name: str) -> Finder:
    """The face detector of that name. Raises WeightsError and DownloadError like `load_detector`."""

    def load() -> Finder:
        network = load_detector(name, "cpu", **_places())
        held = host.HeldNetwork(network.network)
        return Finder(dataclasses.replace(network, device=held.device), held)

    known = ("retinaface_resnet50",) if name == "auto" else (name,)
    return _once(("finder", name, host.compute_device(), _state_of_known(known)), load)


def open_parser(mask: str) -> Parser | None:
    """The face parser for a kind of mask; None when it needs none, or when "auto" finds no weights.

    Raises InputError for "parsing" without weights, so that this is told before the network has run.
    """
    parser = _present_parser() if mask in ("auto", "parsing") else None
    if mask == "parsing" and parser is None:
        raise InputError(
            "mask: parsing needs a face parser, and none is here; put parsing_bisenet.pth or parsing_parsenet.pth into "
            f"{host.model_folder()}, or choose auto, soft or box"
        )
    return parser


def _present_parser() -> Parser | None:
    """The face parser whose weights are present; None when there are none."""

    def load() -> Parser | None:
        network = load_parser("auto", "cpu", folder=host.model_folder(), search=host.search_folders())
        if network is None:
            return None
        held = host.HeldNetwork(network.network)
        return Parser(dataclasses.replace(network, device=held.device), held)

    parser = _once(("parser", host.compute_device()), load)
    if parser is None:
        del _loaded["parser", host.compute_device()]  # weights may be put into the folder at any time
    return parser


def model_choices() -> list[str]:
    """What the model menu lists: auto, the known models, then other files of the model folder."""
    known = {name for record in RECORDS for name in file_names(record)}
    others = [name for name in host.model_files() if Path(name).name not in known]
    return ["auto", *AUTO_ORDER, *sorted(others)]


def weights_state(name: str) -> str:
    """Changes whenever the weights behind a name do: another file found for it, or a file replaced."""
    own = host.model_file(name)
    return _state_of_file(own) if own is not None else _state_of_known(AUTO_ORDER if name == "auto" else (name,))


def _state_of_known(names: Sequence[str]) -> str:
    """The state of the first of these known weights that is in the folders."""
    places = host.model_folder(), host.search_folders()
    records = [record for record in RECORDS if record.name in names]
    found = {record.name: find_weights(record, *places) for record in records}
    return _state_of_file(next((found[name] for name in names if found.get(name)), None))


def _state_of_file(path: Path | None) -> str:
    if path is None:
        return "not in the folders"
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"


def _places() -> dict[str, Any]:
    return {
        "folder": host.model_folder(),
        "search": host.search_folders(),
        "progress": host.download_progress(),
    }


def _once(key: tuple[Any, ...], load: Callable[[], Any]) -> Any:
    """What was loaded for the key; the longest unused is forgotten when there are too many."""
    if key not in _loaded:
        _loaded[key] = load()
        while len(_loaded) > _MAX_LOADED:
            _loaded.popitem(last=False)
    _loaded.move_to_end(key)
    return _loaded[key]
