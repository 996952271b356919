"""Load a face parser: facexlib's ParseNet or BiSeNet, which label the regions of a face."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..networks.registry import PARSERS, recognize_as
from .build import load_state
from .catalog import get_record
from .find import WeightFile, locate_present, locate_weights
from .folders import PathLike
from .read import read_checkpoint
from .transfer import Progress


@dataclass(frozen=True, eq=False)
class FaceParserNet:
    """A face parser with its weights. The two number the regions differently."""

    name: str
    """parsenet or bisenet."""
    network: nn.Module
    """facexlib's network in eval mode, float32: (B, 3, 512, 512) to a tuple whose first entry is (B, 19, 512, 512)."""
    device: torch.device
    """Where the network is."""
    path: Path
    """The weight file."""


def load_parser(
    name: PathLike = "auto",
    device: str | torch.device | None = None,
    *,
    folder: PathLike | None = None,
    search: Iterable[PathLike] = (),
    download: bool = True,
    progress: Progress | None = None,
) -> FaceParserNet | None:
    """A face parser, or None when "auto" finds no weights in the folders.

    Args:
        name: "auto" takes ParseNet, else BiSeNet, if its weights are in the folders and downloads nothing. Or
            "parsenet" or "bisenet" (downloaded when missing), or a file with weights of either.
        device: None takes the best one.
        folder, search, download, progress: as for `model.load_model`.

    Raises:
        WeightsError, DownloadError: the weights asked for are missing, damaged, or of another network.
    """
    from ..networks.devices import pick_device

    places = list(search)
    if str(name) == "auto":
        found = _first_present(folder, places)
        if found is None:
            return None
    else:
        found = locate_weights(name, "parser", folder, places, download=download, progress=progress)
    chosen = pick_device(device)
    state = read_checkpoint(found.path)
    kind = recognize_as(state, PARSERS, found.path)
    with torch.inference_mode(False):
        network = load_state(kind, state, found.path).to(chosen, torch.float32)
    return FaceParserNet(kind, network, chosen, found.path)


def _first_present(folder: PathLike | None, search: list[PathLike]) -> WeightFile | None:
    places = (locate_present(get_record(name), folder, search) for name in PARSERS)
    return next((found for found in places if found is not None), None)
