"""Time, memory and precision of the networks on a GPU: `python -m benchmarks.gpu`.

Weights as in `benchmarks.network`: the tests' deterministic ones, and the embedded model's. The effect of half
precision on the picture depends on the weights; use real ones to judge it.
"""

import argparse
import copy
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch

from vqfr_core import load_model
from vqfr_core.evaluation.pixels import psnr
from vqfr_core.networks.precision import full_float32
from vqfr_core.networks.vqfr import VqfrNetwork

from .machine import alternate, describe_machine
from .network import reference_face, reference_network

WAYS: dict[str, tuple[torch.dtype, Callable[[], AbstractContextManager[None]]]] = {
    "float32": (torch.float32, full_float32),
    "TF32 after the codes": (torch.float32, nullcontext),
    "bf16": (torch.bfloat16, nullcontext),
    "fp16": (torch.float16, nullcontext),
}
"""Number format of the weights, and the context of the network. TF32 after the codes is what users get with fp32."""


def compare_precisions(name: str, network: VqfrNetwork, device: torch.device, runs: int) -> list[str]:
    """Table rows: milliseconds per face, peak memory including the weights, and differences from float32."""
    face = reference_face().to(device)
    rows: list[str] = []
    exact = exact_codes = face  # until the first, exact way has run
    for way, (dtype, surrounding) in WAYS.items():
        candidate = copy.deepcopy(network).to(device).set_precision(dtype)
        torch.cuda.reset_peak_memory_stats(device)
        with surrounding():
            seconds = alternate({way: partial(candidate, face)}, runs)[way]
            answer, codes = candidate(face).clamp(-1, 1), candidate.codes(face)
        peak = torch.cuda.max_memory_allocated(device) / 1e9
        if not rows:
            exact, exact_codes = answer, codes
        shown = "-" if torch.equal(answer, exact) else f"{psnr((answer + 1) / 2, (exact + 1) / 2):.1f} dB"
        differing = int((codes != exact_codes).sum())
        rows.append(f"| {name} | {way} | {seconds * 1e3:.1f} ms | {peak:.2f} GB | {shown} | {differing} |")
        del candidate
    return rows


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="a CUDA or ROCm device (default cuda)")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each way (default 5)")
    parser.add_argument("--v1", help="weights of a VQFR v1 instead of the tests'")
    parser.add_argument("--v2", help="weights of a VQFR v2 instead of the tests'")
    options = parser.parse_args()
    print(describe_machine())
    print(
        "\n| one face, 512 px | | time | peak memory over the weights | PSNR to float32 | codes that differ, of 256 |"
    )
    print("|---|---|---|---|---|---|")
    given = {"v2": (2, options.v2), "v1": (1, options.v1), "vqfr_small2": (1, "vqfr_small2")}
    for name, (generation, file) in given.items():
        network = load_model(file, "cpu") if file else reference_network(generation)
        print("\n".join(compare_precisions(name, network, torch.device(options.device), options.runs)), flush=True)


if __name__ == "__main__":
    main()
