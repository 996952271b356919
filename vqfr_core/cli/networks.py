"""Loading networks for a command, with a progress bar for what is downloaded."""

import argparse

from ..errors import WeightsError
from ..options import RestoreOptions
from ..restorer import FaceRestorer
from ..weights.detector import FaceDetectorNet, load_detector
from .console import Console


def open_restorer(arguments: argparse.Namespace, options: RestoreOptions, console: Console) -> FaceRestorer:
    """The restorer of the arguments of `add_models`, its detector loaded too, so that what is missing is told once."""
    with console.bar("download", "B", in_bytes=True) as progress:
        restorer = FaceRestorer(
            arguments.model,
            device=arguments.device,
            precision=options.precision,
            folder=arguments.model_dir,
            download=not arguments.no_download,
            download_progress=progress,
        )
        if not options.aligned:
            restorer.networks.detector(options.detector)
    if options.mask == "parsing" and not options.aligned and restorer.networks.parser() is None:
        raise WeightsError(
            "mask parsing needs a face parser, and none is here: `python -m vqfr_core models download bisenet` (or "
            "parsenet) fetches one, or use --mask auto, soft or box"
        )
    return restorer


def open_detector(arguments: argparse.Namespace, options: RestoreOptions, console: Console) -> FaceDetectorNet:
    """The detector alone."""
    with console.bar("download", "B", in_bytes=True) as progress:
        return load_detector(
            options.detector,
            arguments.device,
            folder=arguments.model_dir,
            download=not arguments.no_download,
            progress=progress,
        )
