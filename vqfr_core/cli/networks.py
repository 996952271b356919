"""Load networks for a command, with a progress bar for downloads."""

import argparse
from collections.abc import Sequence

from ..errors import WeightsError
from ..networks.base import Detector
from ..options import FindOptions, RestoreOptions
from ..pipeline.blending.masks import missing_parser, needs_parser
from ..restorer import FaceRestorer
from ..weights.folders import default_folders
from ..weights.store import WeightStore
from .console import Console


def open_store(arguments: argparse.Namespace) -> WeightStore:
    """The store for the arguments of `add_models`."""
    return WeightStore(lambda: default_folders(arguments.model_dir), download=not arguments.no_download)


def open_restorer(arguments: argparse.Namespace, options: RestoreOptions, console: Console) -> FaceRestorer:
    """The restorer for the arguments of `add_models`, its detector loaded so that missing weights show up at once."""
    store = open_store(arguments)
    store.require("restorer", arguments.model)
    if getattr(arguments, "background", None):
        store.require("upscaler", arguments.background)
    with console.bar("download", "B", in_bytes=True) as progress:
        restorer = FaceRestorer(
            arguments.model,
            device=arguments.device,
            precision=options.precision,
            store=store,
            download_progress=progress,
        )
        if not options.aligned:
            restorer.detector(options.detector)
            if needs_parser(options.mask) and restorer.parser(fetch=True) is None:
                known = " or ".join(restorer.store.names("parser"))
                advice = f"`python -m vqfr_core models download NAME` fetches {known}"
                raise WeightsError(missing_parser(options.mask, advice))
    return restorer


def open_restorers(
    arguments: argparse.Namespace, names: Sequence[str], options: RestoreOptions, console: Console
) -> list[FaceRestorer]:
    """A restorer for each model; only the first one finds faces."""
    restorers: list[FaceRestorer] = []
    store = open_store(arguments)
    for name in names:
        store.require("restorer", name)
    for name in names:
        own = argparse.Namespace(**vars(arguments) | {"model": name})
        restorers.append(open_restorer(own, options if not restorers else options.replace(aligned=True), console))
    return restorers


def open_detector(arguments: argparse.Namespace, options: FindOptions, console: Console) -> Detector:
    """Only the detector."""
    with console.bar("download", "B", in_bytes=True) as progress:
        return open_store(arguments).open("detector", options.detector, arguments.device, progress=progress)
