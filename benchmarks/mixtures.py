"""Ways to mix a v1's texture image and its answer: `VQFR_METRIC_WEIGHTS=metrics python -m benchmarks.mixtures FACES`.

FACES is a folder of sharp, aligned faces, degraded as `evaluate` does it. For each way and share of the answer it
prints LPIPS, PSNR and NIQE; with `--sheet` it draws the faces instead, so that doubled edges can be seen.

- coarse first: what `VqfrV1` does, see `mixture.py`.
- pixels: one share for everything.
- bands: the difference of the two images is split by Gaussians of 16, 8, 4 and 2 px into five bands; each grows from
  none to all while the share grows, the coarsest first, and two neighbours overlap.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from vqfr_core.drawing.sheet import draw_grid
from vqfr_core.evaluation.faces import find_cases, load_face
from vqfr_core.evaluation.metrics import Metric, Tools, open_metrics
from vqfr_core.evaluation.weights import MetricFolder
from vqfr_core.networks.vqfr.mixture import mix_images
from vqfr_core.networks.vqfr.restorer import vqfr_module
from vqfr_core.networks.vqfr.v1 import VqfrV1
from vqfr_core.pictures import to_pil
from vqfr_core.weights.store import WeightStore

from .machine import describe_machine

METRICS = ("lpips", "psnr", "niqe")
_SIGMAS_PX = (16.0, 8.0, 4.0, 2.0)

Mix = Callable[[Tensor, Tensor, float], Tensor]
"""Maps texture image, answer (both (3, H, W)) and the answer's share in [0, 1] to the image between."""


def mix_pixels(texture: Tensor, answer: Tensor, share: float) -> Tensor:
    return torch.lerp(texture, answer, share)


def mix_bands(texture: Tensor, answer: Tensor, share: float) -> Tensor:
    difference = answer - texture
    blurred = [_blur(difference, sigma) for sigma in _SIGMAS_PX]
    bands = [blurred[0], *(fine - coarse for coarse, fine in zip(blurred, [*blurred[1:], difference], strict=True))]
    steps = len(bands) - 1
    # Band k grows while the share passes k / (steps + 2) to (k + 2) / (steps + 2).
    weights = [min(1.0, max(0.0, (share * (steps + 2) - k) / 2)) for k in range(len(bands))]
    return torch.stack([band * weight for band, weight in zip(bands, weights, strict=True)]).sum(0) + texture


def mix_coarse_first(texture: Tensor, answer: Tensor, share: float) -> Tensor:
    return mix_images(texture[None], answer[None], torch.full((1, 1, 1, 1), share))[0]


WAYS: Mapping[str, Mix] = {"coarse first": mix_coarse_first, "pixels": mix_pixels, "bands": mix_bands}


def _blur(image: Tensor, sigma_px: float) -> Tensor:
    """(3, H, W) by a Gaussian."""
    rows = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
    blurred = cv2.GaussianBlur(rows, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT_101)
    return torch.from_numpy(blurred).permute(2, 0, 1)


class Case(NamedTuple):
    """A face and what the network makes of it, (3, 512, 512) in [0, 1]."""

    original: Tensor
    degraded: Tensor
    texture: Tensor
    answer: Tensor


@torch.inference_mode()
def restore_faces(network: VqfrV1, folder: Path, limit: int, level: str) -> list[Case]:
    cases = []
    for number, files in enumerate(find_cases(folder, None, [], limit)):
        face = load_face(files, number, level)
        assert face.original is not None and face.degraded is not None
        images = network.sweep(face.degraded[None] * 2 - 1, [0.0, 1.0])
        texture, answer = (((image[0] + 1) / 2).clamp(0, 1) for image in images)
        cases.append(Case(face.original, face.degraded, texture, answer))
    return cases


def measure(cases: list[Case], shares: list[float], level: str, metrics: list[Metric]) -> None:
    """Print one table row for each way and share."""
    for way, mix in WAYS.items():
        for share in shares:
            cells = []
            for metric in metrics:
                values = [metric.measure(mix(c.texture, c.answer, share).clamp(0, 1), c.original) for c in cases]
                known = [value for value in values if value is not None]
                cells.append(f"{sum(known) / len(known):.3f}")
            print(f"| {level} | {way} | {share:g} | {' | '.join(cells)} |", flush=True)


def draw(cases: list[Case], shares: list[float], path: Path) -> None:
    rows = [
        [c.degraded, *(mix(c.texture, c.answer, share).clamp(0, 1) for share in shares), c.original]
        for c in cases
        for mix in WAYS.values()
    ]
    columns = ["input", *(f"share {share:g}" for share in shares), "original"]
    draw_grid([[to_pil(image) for image in row] for row in rows], columns, [*WAYS] * len(cases)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--levels", default="light,medium,heavy")
    parser.add_argument("--shares", default="0,0.2,0.4,0.6,0.8,1", help="shares of the answer")
    parser.add_argument("--limit", type=int, default=12, help="how many faces, by name")
    parser.add_argument("--v1", default="vqfr_small2", help="a v1 network, by name or file")
    parser.add_argument(
        "--sheet", type=Path, help="draw the faces at the first level to this picture instead of measuring"
    )
    arguments = parser.parse_args()
    module = vqfr_module(WeightStore().open("restorer", arguments.v1, "cpu"))
    assert isinstance(module, VqfrV1), f"{arguments.v1} is not a v1"
    shares = [float(share) for share in arguments.shares.split(",")]
    levels = arguments.levels.split(",")
    if arguments.sheet:
        draw(restore_faces(module, arguments.faces, arguments.limit, levels[0]), shares, arguments.sheet)
        return
    metrics, absent = open_metrics(METRICS, Tools(MetricFolder(), torch.device("cpu")), has_originals=True)
    for label, reason in absent.items():
        print(f"{label} is absent: {reason}")
    print(describe_machine())
    print(f"| level | way | share | {' | '.join(metric.kind.label for metric in metrics)} |")
    print("|---" * (3 + len(metrics)) + "|")
    for level in levels:
        measure(restore_faces(module, arguments.faces, arguments.limit, level), shares, level, metrics)


if __name__ == "__main__":
    main()
