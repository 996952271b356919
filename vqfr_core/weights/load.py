"""Load a VQFR network by name or file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import WeightsError
from ..networks.registry import RESTORERS, recognize_as
from ..networks.vqfr import Network
from .build import load_state
from .catalog import get_record
from .find import Source, WeightFile, locate_present, locate_weights
from .folders import PathLike, model_folder, search_folders
from .read import read_checkpoint, read_metadata
from .transfer import Progress

AUTO_ORDER = ("vqfr_v2", "vqfr_v1", "vqfr_small")
"""What "auto" takes: the first of these that needs no download."""


@dataclass(frozen=True)
class ModelInfo:
    """Which weights a network carries."""

    name: str
    """The known name, or the file's own without suffix."""
    generation: int
    """1 or 2."""
    path: Path
    """The file."""
    sha256: str
    """Hash of the whole file in hex."""
    source: Source
    """Part of this package, found in a folder, or just downloaded."""
    metadata: Mapping[str, str]
    """What a safetensors file says of itself; empty for others."""


def load_model(
    name_or_path: PathLike = "auto",
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    *,
    folder: PathLike | None = None,
    search: Iterable[PathLike] = (),
    download: bool = True,
    progress: Progress | None = None,
) -> Network:
    """A VQFR network, ready to restore faces.

    Args:
        name_or_path: "auto" takes VQFR v2, else v1, if it is in the folders, else the small model of this package.
            Or a known name (downloaded when it is not in the folders), a file, or the name of a file in the folders.
        device: None takes the best one.
        dtype: number format of the weights, None for float32. The parts that choose codes stay float32.
        folder: the model folder, see `folders.model_folder`.
        search: further folders to look in.
        download: whether a known file that is missing may be downloaded.
        progress: called with (bytes done, total bytes or None) during a download.

    Returns:
        `network(x, fidelity=0.5)` takes and gives (B, 3, 512, 512) RGB in [-1, 1]; `network.codes(x)` gives the code
        of each patch, int64 (B, 256). Eval mode, no gradients. `network.info` is a `ModelInfo`.

    Raises:
        WeightsError: the file is missing, damaged, unsafe, or another model; the message says which and what to do.
        DownloadError: it could not be downloaded.
    """
    from ..networks.devices import pick_device, pick_memory_format

    chosen = pick_device(device)
    if str(name_or_path) == "auto":
        found = _best_present(folder, list(search))
    else:
        found = locate_weights(name_or_path, "restorer", folder, search, download=download, progress=progress)
    with torch.inference_mode(False):
        network = read_network(found)
        network.set_precision(dtype or torch.float32).to(chosen)
        network.to(memory_format=pick_memory_format(chosen))  # type: ignore[call-overload]
        return network


def read_network(file: WeightFile) -> Network:
    """The network of a file in the file's own number format, on the CPU, with `info` set."""
    state = read_checkpoint(file.path)
    network = load_state(recognize_as(state, RESTORERS, file.path), state, file.path)
    if not isinstance(network, Network):
        raise WeightsError(f"{file.path} is no VQFR network")
    metadata = read_metadata(file.path)
    info = ModelInfo(file.name, network.generation, file.path, file.sha256, file.source, metadata)
    network.info = info
    return network


def _best_present(folder: PathLike | None, search: list[PathLike]) -> WeightFile:
    for name in AUTO_ORDER:
        found = locate_present(get_record(name), folder, search)
        if found is not None:
            return found
    looked = ", ".join(map(str, search_folders(folder, search)))
    by_hand = get_record("vqfr_v2").by_hand(model_folder(folder))
    raise WeightsError(f"no VQFR weights in {looked}, nor in this package. Ask for vqfr_v2 to download it. {by_hand}")
