"""Time, memory and precision of the networks: `python -m benchmarks.network`.

Weights are the tests' deterministic ones unless files are given with --v1 and --v2: speed does not depend on training.
The effect of bf16 on the picture does; use real weights to judge it.
"""

import argparse
import copy

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from stand_ins.weights import REFERENCE, reference_weights
from vqfr_core import load_model
from vqfr_core.evaluation.pixels import psnr
from vqfr_core.networks.devices import cpu_has_bf16
from vqfr_core.networks.vqfr import V1Config, V2Config, VqfrNetwork, VqfrV1, VqfrV2
from vqfr_core.networks.vqfr.deform_gather import deform_conv2d_gather

from .baseline import contiguous_copy, deform_conv2d_whole, straightforward
from .machine import alternate, describe_machine, peak_bytes, seconds_of


def reference_network(generation: int) -> VqfrNetwork:
    """A network of the published size with the tests' weights."""
    with torch.device("meta"):
        network: VqfrNetwork = VqfrV1(V1Config()) if generation == 1 else VqfrV2(V2Config())
    network.load_state_dict(reference_weights(generation), assign=True)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def reference_face(batch: int = 1) -> Tensor:
    pixels = np.asarray(Image.open(REFERENCE / "input_face.png").convert("RGB"))
    return (torch.from_numpy(pixels.copy()).permute(2, 0, 1) / 127.5 - 1).expand(batch, -1, -1, -1).contiguous()


def compare_with_baseline(network: VqfrNetwork, fidelity: float, runs: int) -> str:
    """One table row: seconds the straightforward way, ours, and ours in bf16."""
    face = reference_face()
    as_map = torch.full((1, 1, 512, 512), fidelity)  # a map is never known to be zero: nothing is skipped
    contiguous = contiguous_copy(network)
    half = copy.deepcopy(network).set_precision(torch.bfloat16) if cpu_has_bf16() else None

    def plain() -> None:
        with straightforward():
            contiguous(face, as_map)

    ways = {"plain": plain, "ours": lambda: network(face, fidelity)}
    if half is not None:
        ways["bf16"] = lambda: half(face, fidelity)
    seconds = alternate(ways, runs)
    name = f"v{network.generation}, fidelity {fidelity:g}"
    cells = [f"{seconds['plain']:.1f} s"]
    for way in ("ours", "bf16"):
        cells.append(f"{seconds[way]:.1f} s, {seconds['plain'] / seconds[way]:.1f} x" if way in seconds else "-")
    peak = peak_bytes(lambda: network(face, fidelity))
    cells.append("-" if peak is None else f"{peak / 1e9:.2f} GB")
    return f"| {name} | " + " | ".join(cells) + " |"


def compare_small(runs: int) -> str:
    """Speed of the embedded model relative to the original v2."""
    face, small, published = reference_face(), load_model("vqfr_small2", "cpu"), contiguous_copy(reference_network(2))

    def plain() -> None:
        with straightforward():
            published(face, torch.full((1, 1, 512, 512), 1.0))

    seconds = alternate({"plain": plain, "small": lambda: small(face)}, runs)
    ratio = seconds["plain"] / seconds["small"]
    return f"v2 the straightforward way {seconds['plain']:.1f} s, vqfr_small2 {seconds['small']:.2f} s: {ratio:.1f} x"


def compare_batches(network: VqfrNetwork) -> str:
    single = seconds_of(lambda: network(reference_face(1)))
    four = seconds_of(lambda: network(reference_face(4)))
    return f"| v{network.generation} | {single:.1f} s | {four / 4:.1f} s |"


def compare_deform(channels: int, runs: int) -> str:
    generator = torch.Generator().manual_seed(0)
    shapes = ((1, channels, 512, 512), (1, 72, 512, 512), (1, 36, 512, 512), (channels, channels, 3, 3), (channels,))
    case = [torch.randn(shape, generator=generator) for shape in shapes]
    rows = [value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value for value in case]
    ways = {"torchvision": lambda: deform_conv2d_whole(*case), "ours": lambda: deform_conv2d_gather(*rows)}
    seconds = alternate(ways, runs)
    ratio = seconds["torchvision"] / seconds["ours"]
    return f"| {channels} channels | {seconds['torchvision']:.2f} s | {seconds['ours']:.2f} s | {ratio:.1f} x |"


def measure_bf16(network: VqfrNetwork) -> str:
    """The effect of bf16: PSNR of the result against float32, and codes that differ."""
    face = reference_face()
    half = copy.deepcopy(network).set_precision(torch.bfloat16)
    exact, rounded = ((net(face).clamp(-1, 1) + 1) / 2 for net in (network, half))
    differing = int((network.codes(face) != half.codes(face)).sum())
    return f"| v{network.generation} | {psnr(rounded, exact):.1f} dB | {differing} of {network.codes(face).numel()} |"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each way (default 3)")
    parser.add_argument("--v1", help="weights of a VQFR v1 instead of the tests'")
    parser.add_argument("--v2", help="weights of a VQFR v2 instead of the tests'")
    return parser.parse_args()


@torch.inference_mode()
def main() -> None:
    arguments = parse_arguments()
    print(describe_machine())
    print("\n| one face, 512 px | straightforward | ours | ours, bf16 | peak memory over the weights |")
    print("|---|---|---|---|---|")
    for generation, file, fidelities in ((2, arguments.v2, (0.0, 1.0)), (1, arguments.v1, (1.0,))):
        network = load_model(file, "cpu") if file else reference_network(generation)
        for fidelity in fidelities:
            print(compare_with_baseline(network, fidelity, arguments.runs), flush=True)
        print(f"(batch 1 and 4, a face) {compare_batches(network)}", flush=True)
        if cpu_has_bf16():
            print(f"(bf16 against float32: PSNR, codes that differ) {measure_bf16(network)}", flush=True)
        del network
    print(f"\n{compare_small(arguments.runs)}", flush=True)
    print("\n| deformable convolution, 512 px | torchvision | ours | |\n|---|---|---|---|")
    for channels in (64, 128):
        print(compare_deform(channels, arguments.runs), flush=True)


if __name__ == "__main__":
    main()
