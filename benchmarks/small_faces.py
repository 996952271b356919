"""Ways to enlarge very small faces: `VQFR_METRIC_WEIGHTS=metrics python -m benchmarks.small_faces FACES`.

FACES is a folder of sharp, aligned faces. Each is reduced until the face is so many pixels wide, compressed as JPEG of
quality 85, enlarged again in each way, and restored. The table has the means over all faces.

- bicubic: what `align_face` does.
- twice: restored, reduced to a quarter of the network's size, and restored again.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vqfr_core import FaceRestorer, RestoreOptions, to_array, to_tensor
from vqfr_core.evaluation.degrade import through_jpeg
from vqfr_core.evaluation.faces import pictures_in, read_face
from vqfr_core.evaluation.metrics import Metric, Tools, open_metrics
from vqfr_core.evaluation.weights import MetricFolder
from vqfr_core.pipeline.align import aligned_crop
from vqfr_core.pipeline.blending.background import resize_lanczos

from .machine import describe_machine

METRICS = ("lpips", "psnr", "niqe", "deg")
FACE_PX = 267
"""Width of the face in a crop of 512 px, as the detector sees it."""

Enlarge = Callable[[Tensor], Tensor]
"""Maps a small crop to one of 512 px."""


def by_interpolation(mode: str) -> Enlarge:
    return lambda crop: F.interpolate(crop[None], (512, 512), mode=mode)[0].clamp(0, 1)


def by_lanczos(crop: Tensor) -> Tensor:
    return resize_lanczos(crop, (512, 512)).clamp(0, 1)


def by_cubic_and_unsharp(crop: Tensor) -> Tensor:
    large = aligned_crop(crop).image
    side = 2 * (512 // crop.shape[-1]) + 1
    blurred = F.avg_pool2d(F.pad(large[None], (side // 2,) * 4, mode="replicate"), side, stride=1)[0]
    return (large + 0.7 * (large - blurred)).clamp(0, 1)


WAYS: Mapping[str, Enlarge] = {
    "bicubic": lambda crop: aligned_crop(crop).image,
    "bilinear": by_interpolation("bilinear"),
    "Lanczos": by_lanczos,
    "bicubic, unsharp mask": by_cubic_and_unsharp,
}


def reduced(face: Tensor, width_px: int) -> Tensor:
    """The crop with a face of that width."""
    side = round(512 * width_px / FACE_PX)
    small = F.interpolate(face[None], (side, side), mode="area")[0]
    return to_tensor(np.ascontiguousarray(through_jpeg(to_array(small), 85)))


def answers(restorer: FaceRestorer, small: Tensor) -> dict[str, Tensor]:
    """The restored faces by way."""
    options = RestoreOptions(aligned=True)
    done = {name: restorer.restore(enlarge(small), options).image for name, enlarge in WAYS.items()}
    again = F.interpolate(done["bicubic"][None], (128, 128), mode="bicubic", antialias=True)[0].clamp(0, 1)
    return {**done, "twice": restorer.restore(aligned_crop(again).image, options).image}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--widths", default="16,24,32,40", help="of the faces in pixels (default 16,24,32,40)")
    parser.add_argument("--limit", type=int, help="only the first faces by name")
    parser.add_argument("--model", default="auto", help="name or file of the weights (default: auto)")
    arguments = parser.parse_args()
    restorer = FaceRestorer(arguments.model)
    metrics, _ = open_metrics(METRICS, Tools(MetricFolder(), torch.device("cpu")), has_originals=True)
    originals = [read_face(path) for path in list(pictures_in(arguments.faces).values())[: arguments.limit]]
    print(f"{describe_machine()}; model {restorer.model.name}; {len(originals)} faces\n")
    print(f"| width | enlarged by | {' | '.join(m.kind.label for m in metrics)} |\n|{' --- |' * (len(metrics) + 2)}")
    for width in map(int, arguments.widths.split(",")):
        print("\n".join(rows(restorer, originals, width, metrics)), flush=True)


def rows(restorer: FaceRestorer, originals: list[Tensor], width_px: int, metrics: list[Metric]) -> list[str]:
    found: dict[str, list[list[float | None]]] = {}
    for original in originals:
        for name, image in answers(restorer, reduced(original, width_px)).items():
            found.setdefault(name, []).append([metric.measure(image, original) for metric in metrics])
    means = {name: np.nanmean(np.array(values, dtype=float), axis=0) for name, values in found.items()}
    return [f"| {width_px} px | {name} | {' | '.join(f'{v:.3f}' for v in own)} |" for name, own in means.items()]


if __name__ == "__main__":
    main()
