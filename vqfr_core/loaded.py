"""The networks of a restoration, each loaded when first needed and then kept."""

from collections.abc import Iterable

import torch

from .networks.devices import pick_device, pick_dtype
from .networks.vqfr import Network
from .weights.detector import FaceDetectorNet, load_detector
from .weights.folders import PathLike
from .weights.load import load_model
from .weights.parser import FaceParserNet, load_parser
from .weights.transfer import Progress


class Networks:
    """Restoration network, face detectors and face parser on one device."""

    def __init__(
        self,
        model: PathLike = "auto",
        *,
        device: str | torch.device | None = None,
        folder: PathLike | None = None,
        search: Iterable[PathLike] = (),
        download: bool = True,
        progress: Progress | None = None,
    ) -> None:
        """Nothing is loaded yet. Arguments as for `load_model`; InputError for a device that is not there."""
        self.device = pick_device(device)
        self._model = model
        self._folder, self._search = folder, list(search)
        self._download, self._progress = download, progress
        self._restorer: Network | None = None
        self._detectors: dict[str, FaceDetectorNet] = {}
        self._parser: FaceParserNet | None = None
        self._parser_looked_for = False

    def restorer(self, precision: str) -> Network:
        """The restoration network in a precision ("auto", "fp32", "bf16", "fp16"); only the last one asked for is kept.

        Raises InputError, WeightsError and DownloadError like `load_model`.
        """
        dtype = pick_dtype(precision, self.device)
        if self._restorer is None or self._restorer.dtype != dtype:
            self._restorer = None  # frees its memory first
            self._restorer = load_model(
                self._model,
                self.device,
                dtype,
                folder=self._folder,
                search=self._search,
                download=self._download,
                progress=self._progress,
            )
        return self._restorer

    def detector(self, name: str = "auto") -> FaceDetectorNet:
        """The detector of that name. Raises WeightsError and DownloadError like `load_detector`."""
        if name not in self._detectors:
            self._detectors[name] = load_detector(
                name,
                self.device,
                folder=self._folder,
                search=self._search,
                download=self._download,
                progress=self._progress,
            )
        return self._detectors[name]

    def parser(self) -> FaceParserNet | None:
        """The face parser whose weights are present; None when there is none."""
        if not self._parser_looked_for:
            self._parser = load_parser("auto", self.device, folder=self._folder, search=self._search)
            self._parser_looked_for = True
        return self._parser
