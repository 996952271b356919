"""Reading .pth files, compared with `torch.load`: `python -m benchmarks.weights`."""

import argparse
import tempfile
from pathlib import Path

import torch

from stand_ins.weights import reference_weights
from vqfr_core.weights.read import read_checkpoint

from .machine import alternate, describe_machine


def measure(path: Path, runs: int) -> str:
    seconds = alternate(
        {
            "torch.load": lambda: torch.load(path, map_location="cpu", weights_only=True),
            "read_checkpoint": lambda: read_checkpoint(path),
        },
        runs,
    )
    ratio = seconds["read_checkpoint"] / seconds["torch.load"]
    cells = (f"{value * 1000:.0f} ms" for value in seconds.values())
    return f"| {path.name} | {path.stat().st_size / 1e6:.0f} MB | {' | '.join(cells)} | {ratio:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="default: files like the published ones, written first")
    parser.add_argument("--runs", type=int, default=9, help="default 9")
    arguments = parser.parse_args()
    print(f"{describe_machine()}\n")
    print("| file | size | torch.load | read_checkpoint | ratio |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for path in arguments.files or _written(Path(folder)):
            print(measure(path, arguments.runs))


def _written(folder: Path) -> list[Path]:
    paths = []
    for generation in (1, 2):
        state = reference_weights(generation)
        for name, is_zip in (("zip", True), ("before zip", False)):
            paths.append(folder / f"VQFR v{generation} {name}.pth")
            torch.save({"params_ema": state}, paths[-1], _use_new_zipfile_serialization=is_zip)
    return paths


if __name__ == "__main__":
    main()
