"""What comparisons of half precision with float32 gave on this machine, in a file of the model folder."""

import json
import logging
from functools import partial
from pathlib import Path

import torch

from ..atomic import whole_file
from ..networks.auto_precision import AutoPrecision, fast_precision
from .find import WeightFile

MEMORY_FILE = "precision.json"
_METHOD = "fidelities wanted first, codes in float32"
"""What was compared; another text makes earlier results void."""
_LONGEST = 1 << 20

logger = logging.getLogger(__name__)


def auto_precision(file: WeightFile, device: torch.device, folder: Path) -> AutoPrecision:
    """The choice for the network of a file on a device. folder: the model folder, which remembers."""
    tried = fast_precision(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    key = f"{file.name} {file.sha256[:16]} in {tried} on {device.type} {name}, torch {torch.__version__}, {_METHOD}"
    known = known_agreements(folder).get(key)
    return AutoPrecision(tried, known, partial(_remember, folder, key))


def known_agreements(folder: Path) -> dict[str, float]:
    """PSNR in dB by weights, format, device and versions. A file that cannot be read counts as empty."""
    try:
        with (folder / MEMORY_FILE).open(encoding="utf-8") as file:
            content = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    items = content.items() if isinstance(content, dict) else ()
    return {key: float(value) for key, value in items if isinstance(value, int | float)}


def _remember(folder: Path, key: str, agreement_db: float) -> None:
    """Where it cannot be written, the next start compares again."""
    text = json.dumps(known_agreements(folder) | {key: round(agreement_db, 2)}, indent=2, sort_keys=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / MEMORY_FILE) as file:
            file.write(f"{text}\n".encode())
    except OSError as error:
        logger.info("cannot write %s: %s", folder / MEMORY_FILE, error)
