"""The networks of a restoration, each loaded when first needed, then kept."""

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import TypeVar

import torch
from torch import nn

from .networks.base import Detector, Parser, Restorer
from .networks.devices import free_memory, pick_device, pick_precision
from .networks.precision import Precision
from .networks.upscalers import Upscaler
from .options import NetworkOptions
from .weights.folders import PathLike, default_folders
from .weights.store import WeightStore
from .weights.transfer import Progress

Self = TypeVar("Self", bound="LoadedNetworks")


class LoadedNetworks:
    """A restorer, detectors, a parser and an upscaler on one device. Thread-safe."""

    def __init__(
        self,
        model: PathLike = "auto",
        *,
        device: str | torch.device | None = None,
        precision: str = "auto",
        folder: PathLike | None = None,
        search: Iterable[PathLike] = (),
        download: bool = True,
        download_progress: Progress | None = None,
        store: WeightStore | None = None,
    ) -> None:
        """Load nothing yet.

        Args:
            model: "auto" (the best one present, else the embedded small model), a known name, or a file.
            device: None picks the best one.
            precision: what `NetworkOptions.precision` "auto" means here: auto, fp32, bf16 or fp16.
            folder, search: where weights are; see `load_model`.
            download: whether missing weights requested by name may be downloaded.
            download_progress: called with (bytes done, total bytes or None).
            store: where weights come from, instead of folder, search and download.

        Raises:
            InputError: the device is not available.
        """
        self.device = pick_device(device)
        further = tuple(search)
        self.store = store or WeightStore(lambda: default_folders(folder, further), download=download)
        self._name, self._precision, self._progress = model, precision, download_progress
        self._lock = threading.RLock()
        self._model: Restorer | None = None
        self._asked = ""
        self._detectors: dict[str, Detector] = {}
        self._parser: Parser | None = None
        self._upscaler: Upscaler | None = None
        self._upscaler_asked: tuple[str, Precision] | None = None

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget the networks and free their memory. They are reloaded when needed."""
        with self._lock:
            self._model, self._parser, self._upscaler = None, None, None
            self._detectors.clear()
            free_memory(self.device)

    @property
    def model(self) -> Restorer:
        """The restoration network, in the precision given to the constructor."""
        return self._load_model(self._precision)

    @property
    def network(self) -> nn.Module:
        """The module of the restoration network, see `load_model`."""
        return self.model.module

    def model_for(self, options: NetworkOptions) -> Restorer:
        """The restoration network in the precision of the options; only the latest is kept.

        Raises InputError, WeightsError and DownloadError like `load_model`.
        """
        return self._load_model(self._precision if options.precision == "auto" else options.precision)

    def network_for(self, options: NetworkOptions) -> nn.Module:
        """The module of `model_for`."""
        return self.model_for(options).module

    def detector(self, name: str = "auto") -> Detector:
        """The detector of that name. Raises WeightsError and DownloadError."""
        with self._lock:
            if name not in self._detectors:
                self._detectors[name] = self.store.open("detector", name, self.device, progress=self._progress)
            return self._detectors[name]

    def small_detector(self) -> Detector:
        """The built-in one: what is measured with it does not depend on the weights present."""
        return self.detector(self.store.packaged_name("detector"))

    def parser(self) -> Parser | None:
        """The face parser whose weights are present, or None."""
        with self._lock:
            if self._parser is None and self.store.find_present("parser") is not None:
                self._parser = self.store.open("parser", "auto", self.device)
            return self._parser

    def upscaler(self, name: PathLike, precision: str = "auto") -> Upscaler:
        """The upscaler of that file or name; only the latest is kept. precision: see `NetworkOptions`.

        Raises InputError and WeightsError.
        """
        with self._lock:
            asked = str(name), pick_precision(self._precision if precision == "auto" else precision, self.device)
            if self._upscaler is None or self._upscaler_asked != asked:
                self._upscaler = None  # frees its memory first
                self._upscaler = self.store.open("upscaler", name, self.device, asked[1], progress=self._progress)
                self._upscaler_asked = asked
            return self._upscaler

    def _load_model(self, precision: str) -> Restorer:
        with self._lock:
            if self._model is None or self._asked != precision:
                pick_precision(precision, self.device)  # an unknown one is no reason to drop the model
                self._model = None  # frees its memory first
                self._model = self.store.open("restorer", self._name, self.device, precision, progress=self._progress)
                self._asked = precision
            return self._model
