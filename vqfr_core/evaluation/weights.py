"""The weight files of the metrics. None is bundled or downloaded: the user names a folder."""

import os
from pathlib import Path

from ..errors import VqfrError, WeightsError
from ..weights.catalog import WeightRecord, get_record
from ..weights.folders import Folders
from ..weights.store import WeightStore

FOLDER_VARIABLE = "VQFR_METRIC_WEIGHTS"


class MetricAbsent(VqfrError):
    """A metric cannot be computed; the message says why and what to do."""


METRIC_RECORDS = (
    WeightRecord(
        name="alexnet",
        role="metric",
        file_name="alexnet_features.pth",
        sha256="1454cf628f565bb39c929b4ab19c33d8c662292055b946c48daaeb6ccaf8811d",
        aliases=(("alexnet-owt-7be5be79.pth", "7be5be79"),),
        urls=(),
        origin="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        licence="BSD (torchvision)",
        convertible=False,
    ),
    WeightRecord(
        name="vgg16",
        role="metric",
        file_name="vgg16-397923af.pth",
        sha256_prefix="397923af",
        urls=(),
        origin="https://download.pytorch.org/models/vgg16-397923af.pth",
        licence="BSD (torchvision)",
        convertible=False,
    ),
    WeightRecord(
        name="mobilefacenet",
        role="metric",
        file_name="mobilefacenet_id.pt",
        sha256="90a00ba1d8b0b688af3deb731ed53dca582e6106805d1bc3cfdef55f570493f4",
        urls=(),
        origin="facesdk/model.pt of the source package facesdk 0.0.8 on PyPI",
        licence="MIT; trained on a research face set: for evaluation only",
        convertible=False,
    ),
    WeightRecord(
        name="niqe",
        role="metric",
        file_name="niqe_pris_params.npz",
        sha256="2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296",
        urls=(),
        origin="basicsr/metrics/niqe_pris_params.npz of the source package basicsr 1.4.2 on PyPI",
        licence="Apache-2.0",
        convertible=False,
    ),
    WeightRecord(
        name="inception",
        role="metric",
        file_name="inception-2015-12-05.pt",
        urls=(),
        origin="https://nvlabs-fi-cdn.nvidia.com/stylegan2-ada-pytorch/pretrained/metrics/inception-2015-12-05.pt",
        licence="see there",
        convertible=False,
    ),
)


class MetricFolder:
    """The folder with the metrics' weights, and which were used."""

    def __init__(self, folder: Path | None = None, records: tuple[WeightRecord, ...] = METRIC_RECORDS) -> None:
        """folder: None takes $VQFR_METRIC_WEIGHTS, and without it there are no weights."""
        named = os.environ.get(FOLDER_VARIABLE)
        self.folder = folder or (Path(named) if named else None)
        self._records = records
        self.used: dict[str, str] = {}
        """sha256 of each file found, by name."""

    def find(self, name: str) -> Path:
        """The file of a record, after checking its hash. Raises MetricAbsent."""
        record = get_record(name, "metric", self._records)
        folder = self.folder
        if folder is None:
            raise MetricAbsent(f"needs {record.file_name}: name its folder with --metric-weights or ${FOLDER_VARIABLE}")
        store = WeightStore(lambda: Folders(folder), download=False, records=self._records)
        try:
            found = store.find_present("metric", name)
        except WeightsError as error:
            raise MetricAbsent(str(error)) from error
        if found is None:
            names = " or ".join(record.published_names)
            raise MetricAbsent(f"needs {names} in {folder}; it comes from {record.origin}")
        self.used[found.path.name] = found.sha256
        return found.path
