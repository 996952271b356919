"""What half precision changes and saves: `python -m benchmarks.precision --faces FOLDER`.

The faces are sharp pictures of one face each, degraded at the levels of `evaluate` in turn. VQFR v1 and v2 have
the tests' weights unless files are given; the built-in model has its own.
"""

import argparse
import copy
import statistics
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from vqfr_core import load_model
from vqfr_core.evaluation.degrade import LEVELS, degrade_level
from vqfr_core.evaluation.faces import pictures_in, read_face
from vqfr_core.evaluation.pixels import psnr
from vqfr_core.networks.auto_precision import fast_precision
from vqfr_core.networks.devices import pick_device, pick_memory_format
from vqfr_core.networks.precision import DTYPES, Precision
from vqfr_core.networks.vqfr import VqfrNetwork
from vqfr_core.pictures import to_array, to_tensor

from .machine import describe_machine, seconds_of
from .network import reference_network

FIDELITIES = (0.0, 0.5, 1.0)


def row(name: str, network: VqfrNetwork, precision: Precision, faces: Iterable[Tensor]) -> str:
    """One table row: faces with equal codes, the lowest PSNR by fidelity, and how much faster it is at 0.5."""
    half, equal, lowest, ratios = copy.deepcopy(network).set_precision(DTYPES[precision]), [], [], []
    for face in faces:
        equal.append(torch.equal(network.codes(face), half.codes(face)))
        pairs = zip(network.sweep(face, FIDELITIES), half.sweep(face, FIDELITIES), strict=True)
        lowest.append([psnr(_in_range(ours)[0], _in_range(exact)[0]) for exact, ours in pairs])
        ratios.append(seconds_of(partial(network, face)) / seconds_of(partial(half, face)))
    db = " / ".join(f"{min(values):.1f}" for values in zip(*lowest, strict=True))
    return f"| {name} | {precision} | {sum(equal)} of {len(equal)} | {db} | {statistics.median(ratios):.2f} |"


def _in_range(answer: Tensor) -> Tensor:
    return answer.float().add(1).div(2).clamp(0, 1).cpu()


def degraded(paths: list[Path]) -> list[Tensor]:
    """(1, 3, 512, 512) in [-1, 1] each."""
    faces = []
    for number, path in enumerate(paths):
        sharp = to_array(read_face(path))
        face = to_tensor(degrade_level(sharp, list(LEVELS)[number % len(LEVELS)], number))
        faces.append(face[None] * 2 - 1)
    return faces


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder of sharp pictures of one face each")
    parser.add_argument("--limit", type=int, default=32, help="how many faces (default 32)")
    parser.add_argument("--v1", help="file of a VQFR v1")
    parser.add_argument("--v2", help="file of a VQFR v2")
    parser.add_argument("--device", help="default: the best one")
    parser.add_argument("--precision", choices=("bf16", "fp16"), help="default: what auto tries on the device")
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    precision = arguments.precision or fast_precision(device)
    networks: dict[str, Callable[[], VqfrNetwork]] = {
        "built in": lambda: load_model("vqfr_small2", device),
        "v2": lambda: load_model(arguments.v2, device) if arguments.v2 else reference_network(2),
        "v1": lambda: load_model(arguments.v1, device) if arguments.v1 else reference_network(1),
    }
    faces = [face.to(device) for face in degraded(list(pictures_in(arguments.faces).values())[: arguments.limit])]
    columns = ("model", "format", "faces with equal codes", "lowest PSNR at 0 / 0.5 / 1, dB", "times as fast at 0.5")
    print(f"{describe_machine()}\n\n| {' | '.join(columns)} |\n" + "|---" * len(columns) + "|")
    with torch.inference_mode():
        for name, open_network in networks.items():
            network = open_network().to(device).to(memory_format=pick_memory_format(device))
            print(row(name, network, precision, faces), flush=True)


if __name__ == "__main__":
    main()
