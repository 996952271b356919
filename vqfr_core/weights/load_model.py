"""Load a restoration network as a plain module."""

from collections.abc import Iterable

import torch

from ..errors import InputError
from ..networks.devices import pick_device
from ..networks.precision import DTYPES
from ..networks.vqfr import VqfrNetwork
from ..networks.vqfr.restorer import vqfr_module
from .folders import PathLike, default_folders
from .load import load_file
from .store import AUTO, WeightStore
from .transfer import Progress


def load_model(
    name_or_path: PathLike = AUTO,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    *,
    folder: PathLike | None = None,
    search: Iterable[PathLike] = (),
    download: bool = True,
    progress: Progress | None = None,
) -> VqfrNetwork:
    """A VQFR network as a plain module; `FaceRestorer` accepts every restorer.

    Args:
        name_or_path: "auto" picks VQFR v2, else v1, if it is in the folders, else the built-in small model.
            Or a known name (downloaded if not in the folders), a file, or the name of a file in the folders.
        device: None picks the best one.
        dtype: number format of the weights, None for float32. The parts that choose codes stay float32.
        folder: the model folder; None means $VQFR_MODEL_DIR, else a per-user data folder.
        search: further folders to search.
        download: whether a known file that is missing may be downloaded.
        progress: called with (bytes done, total bytes or None) during a download.

    Returns:
        `network(x, fidelity=0.5)` takes and gives (B, 3, 512, 512) RGB in [-1, 1]; `network.codes(x)` gives
        the code of each patch, int64 (B, 256). Eval mode, no gradients. `network.info` is a `ModelInfo`.

    Raises:
        WeightsError: the file is missing, damaged, unsafe, or another model; the message says which and what to do.
        DownloadError: it could not be downloaded.
    """
    precision = next((name for name, known in DTYPES.items() if known == (dtype or torch.float32)), None)
    if precision is None:
        raise InputError(f"dtype {dtype} is not usable; use one of {', '.join(map(str, DTYPES.values()))}")
    chosen = pick_device(device)
    folders = default_folders(folder, search)
    store = WeightStore(lambda: folders, download=download)
    return store.try_names(
        "restorer",
        name_or_path,
        lambda name: vqfr_module(load_file(store.find("restorer", name, progress), "restorer", chosen, precision)),
    )
