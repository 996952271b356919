"""Toy networks, one per role, that differ from ours wherever possible: what a new row of the registry needs.

The restorer takes crops of 256 px in the range 0 to 255, has no codes and no fidelity, and gives the negative. The
detector sees one face in the middle of everything, the parser skin everywhere.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

TOYS = ("toy_restorer", "toy_detector", "toy_parser")


class ToyModule(nn.Module):
    """A single number, under the toy's name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.add_module(name, nn.Linear(1, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return 255 - x


def save_toys(folder: Path) -> None:
    """Write the toys' weights into a model folder, under their names."""
    for name in TOYS:
        save_file({f"{name}.weight": torch.ones(1, 1)}, folder / f"{name}.safetensors")


def toy_rows(package: str = "vqfr_core") -> tuple[Any, ...]:
    """A row for each toy. package: the core's import name, which differs inside a host."""
    names = ("types", "networks.base", "networks.registry", "pipeline.align")
    types, base, registry, align = (import_module(f"{package}.{name}") for name in names)
    template = np.array(align.FFHQ_TEMPLATE) / align.CROP_SIZE_PX

    class ToyRestorer(base.Restorer):  # type: ignore[name-defined, misc]
        def run(self, images: Tensor) -> Tensor:
            assert images.shape[1:] == (3, 256, 256)
            answer: Tensor = self.module(images * 255) / 255
            return answer

    class ToyDetector(base.Detector):  # type: ignore[name-defined, misc]
        stride_px = 16
        fill = (0.0, 0.0, 0.0)
        typical_box = types.Box(128, 102, 384, 460)
        min_view_px = 64
        max_face_px = 4096
        look_px = 64

        def find(self, pictures: Tensor, min_score: float) -> list[Any]:
            side = min(pictures.shape[-2:])
            box = np.array([[0.25, 0.2, 0.75, 0.9]]) * side
            return [base.RawFaces(box, template[None] * side, np.array([0.99]))] * len(pictures)

    class ToyParser(base.Parser):  # type: ignore[name-defined, misc]
        crop_px = 128

        def run(self, crops: Tensor) -> Tensor:
            assert crops.shape[1:] == (3, 128, 128)
            return torch.ones(len(crops), 128, 128, dtype=torch.int64)

    def build_restorer(state: Mapping[str, Tensor]) -> Any:
        return ToyRestorer(ToyModule(TOYS[0]), TOYS[0], "Toy restorer", crop_px=256)

    def build_detector(state: Mapping[str, Tensor]) -> Any:
        return ToyDetector(ToyModule(TOYS[1]), TOYS[1], "Toy detector")

    def build_parser(state: Mapping[str, Tensor]) -> Any:
        return ToyParser(ToyModule(TOYS[2]), TOYS[2], "Toy parser")

    return tuple(
        registry.Architecture(name, name.removeprefix("toy_"), f"the {name}", (rf"{name}\.",), build)
        for name, build in zip(TOYS, (build_restorer, build_detector, build_parser), strict=True)
    )
