"""The metrics by name. What each needs is loaded once; a metric that cannot be loaded is absent, with the reason."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from ..networks.base import Detector
from ..weights.store import WeightStore
from . import pixels
from .identity import FaceEmbedder, angle_deg
from .landmarks import FaceFinder, landmark_distance
from .niqe import Niqe
from .perceptual import Lpips
from .weights import MetricAbsent, MetricFolder

Measure = Callable[[Tensor, Tensor], float | None]
"""Maps (image, original), RGB in [0, 1], (3, 512, 512) each, to a number, or None if it has none."""


class Tools:
    """What several metrics share, loaded when first needed."""

    def __init__(self, folder: MetricFolder, device: torch.device) -> None:
        self.folder, self.device = folder, device

    @cached_property
    def faces(self) -> FaceFinder:
        return FaceFinder(self.detector)

    @cached_property
    def detector(self) -> Detector:
        """The built-in one, so that results do not depend on the weights present."""
        store = WeightStore()
        return store.open("detector", store.packaged_name("detector"), self.device)


@dataclass(frozen=True)
class MetricKind:
    """A metric computed for each picture."""

    name: str
    """On the command line and in the JSON."""
    label: str
    """Above the column."""
    higher_is_better: bool
    needs_original: bool
    open: Callable[[Tools], Measure]
    """Makes the function that measures. Raises MetricAbsent."""
    digits: int = 3
    """Decimals in tables."""


@dataclass(frozen=True)
class Metric:
    """A metric ready to measure."""

    kind: MetricKind
    measure: Measure


def _open_psnr(tools: Tools) -> Measure:
    return pixels.psnr


def _open_ssim(tools: Tools) -> Measure:
    return pixels.ssim


def _with_matched_colours(open_plain: Callable[[Tools], Measure]) -> Callable[[Tools], Measure]:
    def open_matched(tools: Tools) -> Measure:
        measure = open_plain(tools)
        return lambda image, original: measure(pixels.match_colours(image, original), original)

    return open_matched


def _open_lpips(kind: str) -> Callable[[Tools], Measure]:
    name = {"alex": "alexnet", "vgg": "vgg16"}[kind]
    return lambda tools: Lpips(tools.folder.find(name), kind).to(tools.device)


def _open_niqe(tools: Tools) -> Measure:
    niqe = Niqe(tools.folder.find("niqe"))

    def measure(image: Tensor, original: Tensor) -> float | None:
        try:
            return niqe(image)
        except InputError:  # nearly no texture: a failed restoration must not end the whole evaluation
            return None

    return measure


def _open_identity(tools: Tools) -> Measure:
    embed = FaceEmbedder(tools.folder.find("mobilefacenet"), tools.device)

    def measure(image: Tensor, original: Tensor) -> float | None:
        """Both faces are cut out at the original's landmarks."""
        face = tools.faces.find(original)
        if face is None:
            return None
        points = np.array(face.landmarks)
        return angle_deg(embed(image, points), embed(original, points))

    return measure


def _open_landmarks(tools: Tools) -> Measure:
    def measure(image: Tensor, original: Tensor) -> float | None:
        wanted = tools.faces.find(original)
        found = None if wanted is None else tools.faces.find_again(image, wanted)
        return None if wanted is None or found is None else landmark_distance(found, wanted)

    return measure


KINDS = {
    kind.name: kind
    for kind in (
        MetricKind("psnr", "PSNR (dB)", True, True, _open_psnr, 2),
        MetricKind("ssim", "SSIM", True, True, _open_ssim),
        MetricKind("lpips", "LPIPS (AlexNet)", False, True, _open_lpips("alex")),
        MetricKind("niqe", "NIQE", False, False, _open_niqe, 2),
        MetricKind("deg", "Deg. (MobileFaceNet)", False, True, _open_identity, 1),
        MetricKind("lmd", "LMD (5 points, px)", False, True, _open_landmarks, 2),
        MetricKind("lpips_vgg", "LPIPS (VGG16)", False, True, _open_lpips("vgg")),
        MetricKind("psnr_matched", "PSNR (dB), colours matched", True, True, _with_matched_colours(_open_psnr), 2),
        MetricKind("ssim_matched", "SSIM, colours matched", True, True, _with_matched_colours(_open_ssim)),
    )
}
USUAL = ("psnr", "ssim", "lpips", "niqe", "deg", "lmd")
"""The metrics when none are named. The others are for comparisons with VQFR's published tables."""


def open_metrics(names: Sequence[str], tools: Tools, has_originals: bool) -> tuple[list[Metric], dict[str, str]]:
    """The metrics that can be computed, and the reason for each that cannot. InputError for an unknown name."""
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise InputError(f"unknown metric {', '.join(unknown)}; choose from {', '.join(KINDS)}")
    metrics, absent = [], {}
    for kind in (KINDS[name] for name in names):
        if kind.needs_original and not has_originals:
            absent[kind.label] = "needs originals, and none were given"
            continue
        try:
            metrics.append(Metric(kind, kind.open(tools)))
        except MetricAbsent as error:
            absent[kind.label] = str(error)
    return metrics, absent
