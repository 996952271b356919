"""Our networks beside those of other restorers: `python -m benchmarks.peers`.

The same face, threads and memory format, in turn, one face at a time. Weights are random or the tests', which changes
no times. The others are their own code in spandrel; CodeFormer is there if `spandrel_extra_arches` is installed.
"""

import argparse
import copy
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from stand_ins import restorers
from vqfr_core import load_model
from vqfr_core.networks.auto_precision import fast_precision
from vqfr_core.networks.devices import pick_device, pick_memory_format
from vqfr_core.networks.precision import DTYPES, Precision
from vqfr_core.networks.vqfr import VqfrNetwork

from .machine import alternate, describe_machine
from .network import reference_face, reference_network

RESTOREFORMER = {"n_embed": 1024, "embed_dim": 256, "ch": 64, "ch_mult": (1, 2, 2, 4, 4, 8), "num_res_blocks": 2}
CODEFORMER = {"dim_embd": 512, "n_layers": 9, "codebook_size": 1024}

Run = Callable[[], object]


def ours(device: torch.device, half: Precision) -> Iterator[tuple[str, Run, Run | None]]:
    """Name, in float32, and in what auto takes."""
    for name, network, fidelity in (
        ("built in", load_model("vqfr_small2", device), 0.5),
        ("v2, fidelity 0", reference_network(2), 0.0),
        ("v2", reference_network(2), 0.5),
        ("v1", reference_network(1), 0.5),
    ):
        placed: VqfrNetwork = network.to(device).to(memory_format=pick_memory_format(device))
        face = reference_face().to(device)
        rounded = None if half == "fp32" else copy.deepcopy(placed).set_precision(DTYPES[half])
        yield name, partial(placed, face, fidelity), rounded and partial(rounded, face, fidelity)


def others(device: torch.device, half: Precision) -> Iterator[tuple[str, Run, Run | None]]:
    """The same of the others. CodeFormer works in float32 only, and none of them in fp16."""
    yield _other("GFPGAN", restorers.gfpgan(), device, half, {"return_rgb": False, "randomize_noise": False})
    yield _other("RestoreFormer", restorers.restoreformer(**RESTOREFORMER, z_channels=256), device, half, {})
    if find_spec("spandrel_extra_arches"):
        yield _other("CodeFormer", restorers.codeformer(**CODEFORMER), device, "fp32", {"weight": 0.5})


def _other(
    name: str, network: nn.Module, device: torch.device, half: Precision, choices: dict[str, Any]
) -> tuple[str, Run, Run | None]:
    face = reference_face().to(device)
    placed = network.to(device)
    if name != "GFPGAN":  # it needs tensors to lie as usual
        placed = placed.to(memory_format=pick_memory_format(device))
        face = face.contiguous(memory_format=pick_memory_format(device))
    rounded = copy.deepcopy(placed).to(torch.bfloat16) if half == "bf16" else None
    return name, partial(placed, face, **choices), rounded and partial(rounded, face.bfloat16(), **choices)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", help="default: the best one")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, after one to warm up (default 3)")
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    half = fast_precision(device)
    rows = [*ours(device, half), *others(device, half)]
    functions = {f"{name} fp32": exact for name, exact, _ in rows}
    functions |= {f"{name} half": rounded for name, _, rounded in rows if rounded is not None}
    with torch.inference_mode():
        seconds = alternate(functions, arguments.runs)
    print(f"{describe_machine()}\n\n| network | float32 | {half} | of GFPGAN's time in float32 |\n" + "|---" * 4 + "|")
    for name, _, rounded in rows:
        best = min(seconds[f"{name} fp32"], seconds.get(f"{name} half", float("inf")))
        shown = f"{seconds[f'{name} half']:.2f} s" if rounded is not None else ""
        share = best / seconds["GFPGAN fp32"]
        print(f"| {name} | {seconds[f'{name} fp32']:.2f} s | {shown} | {share:.0%} |")


if __name__ == "__main__":
    main()
