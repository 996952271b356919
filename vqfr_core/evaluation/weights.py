"""The weight files of the metrics. None is part of this package, and none is downloaded: a folder is named."""

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import VqfrError
from ..weights.hashes import sha256_of

FOLDER_VARIABLE = "VQFR_METRIC_WEIGHTS"


class MetricAbsent(VqfrError):
    """A metric cannot be computed; the message says why, and what to do about it."""


@dataclass(frozen=True)
class MetricFile:
    """A weight file that a metric needs."""

    names: tuple[str, ...]
    """What the file may be called; the first that is there is taken."""
    sha256: tuple[str, ...]
    """The hash of the file of each name in hex, or as much of its beginning as is known; empty: nothing is known."""
    origin: str
    """Where it comes from."""


ALEXNET = MetricFile(
    ("alexnet_features.pth", "alexnet-owt-7be5be79.pth"),
    ("1454cf628f565bb39c929b4ab19c33d8c662292055b946c48daaeb6ccaf8811d", "7be5be79"),
    "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
)
VGG16 = MetricFile(("vgg16-397923af.pth",), ("397923af",), "https://download.pytorch.org/models/vgg16-397923af.pth")
IDENTITY = MetricFile(
    ("mobilefacenet_id.pt",),
    ("90a00ba1d8b0b688af3deb731ed53dca582e6106805d1bc3cfdef55f570493f4",),
    "facesdk/model.pt of the source package facesdk 0.0.8 on PyPI",
)
NIQE = MetricFile(
    ("niqe_pris_params.npz",),
    ("2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",),
    "basicsr/metrics/niqe_pris_params.npz of the source package basicsr 1.4.2 on PyPI",
)
INCEPTION = MetricFile(
    ("inception-2015-12-05.pt",),
    ("",),
    "https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt",
)


class MetricFolder:
    """The folder with the metrics' weights, and which of them were used."""

    def __init__(self, folder: Path | None = None) -> None:
        """folder: None takes $VQFR_METRIC_WEIGHTS, and without it there are no weights."""
        named = os.environ.get(FOLDER_VARIABLE)
        self.folder = folder or (Path(named) if named else None)
        self.used: dict[str, str] = {}
        """sha256 of each file found, by name."""

    def find(self, file: MetricFile) -> Path:
        """The file, its hash compared with what is known of it. Raises MetricAbsent."""
        if self.folder is None:
            raise MetricAbsent(f"needs {file.names[0]}: name its folder with --metric-weights or ${FOLDER_VARIABLE}")
        for name, known in zip(file.names, file.sha256, strict=True):
            path = self.folder / name
            if path.is_file():
                self.used[name] = found = sha256_of(path)
                if not found.startswith(known):
                    raise MetricAbsent(f"{path} has sha256 {found}, not {known}: damaged, or another file")
                return path
        raise MetricAbsent(f"needs {' or '.join(file.names)} in {self.folder}; it comes from {file.origin}")
