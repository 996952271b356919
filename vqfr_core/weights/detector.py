"""Load a face detector: facexlib's RetinaFace networks with weights of our own finding."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ..networks.registry import DETECTORS, recognize_as
from .build import load_state
from .catalog import get_record
from .find import WeightFile, locate_present, locate_weights
from .folders import PathLike
from .read import read_checkpoint
from .transfer import Progress

MEAN_BGR = (104.0, 117.0, 123.0)
"""What these networks expect to be subtracted from BGR pixels in [0, 255]."""


@dataclass(frozen=True, eq=False)
class FaceDetectorNet:
    """A face detector with its weights."""

    name: str
    """retinaface_resnet50 or retinaface_mobile0.25."""
    network: nn.Module
    """facexlib's RetinaFace in eval mode, float32: (B, 3, H, W) BGR in [0, 255] minus the mean to (boxes, scores,
    landmarks) for each anchor."""
    device: torch.device
    """Where the network is."""
    path: Path
    """The weight file."""


def load_detector(
    name: PathLike = "auto",
    device: str | torch.device | None = None,
    *,
    folder: PathLike | None = None,
    search: Iterable[PathLike] = (),
    download: bool = True,
    progress: Progress | None = None,
) -> FaceDetectorNet:
    """A face detector, ready to use.

    Args:
        name: "auto" takes ResNet50 if its weights are in the folders, else the mobile0.25 of this package. Or
            "retinaface_resnet50" (downloaded when missing), "retinaface_mobile0.25", or a file with weights of either.
        device: None takes the best one.
        folder, search, download, progress: as for `model.load_model`.

    Raises:
        WeightsError, DownloadError: the weights are missing, damaged, or of another network.
    """
    from ..networks.devices import pick_device

    chosen = pick_device(device)
    places = list(search)
    found = _auto(folder, places) if str(name) == "auto" else None
    if found is None:
        wanted = "retinaface_mobile0.25" if str(name) == "auto" else name
        found = locate_weights(wanted, "detector", folder, places, download=download, progress=progress)
    state = read_checkpoint(found.path)
    kind = recognize_as(state, DETECTORS, found.path)
    with torch.inference_mode(False):
        network = load_state(kind, state, found.path).to(chosen, torch.float32)
        # Two plain attributes of facexlib's class, which moving the network leaves behind.
        network.__dict__.update(device=chosen, mean_tensor=torch.tensor(MEAN_BGR, device=chosen).view(1, 3, 1, 1))
    return FaceDetectorNet(kind, network, chosen, found.path)


def _auto(folder: PathLike | None, search: list[PathLike]) -> WeightFile | None:
    return locate_present(get_record("retinaface_resnet50"), folder, search)
