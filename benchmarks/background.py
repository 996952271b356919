"""Memory and time for a background by upscalers of Real-ESRGAN's sizes: `python -m benchmarks.background`.

The weights are random. Pictures of growing size go through each network; the peak, less the result itself, should not
grow with them. Each is measured in its own process, whose own seconds count, so that other work disturbs little.
"""

import argparse
import subprocess
import sys
import time

import torch
from torch import nn

from stand_ins.upscalers import spandrel_network
from vqfr_core.networks.upscalers import Upscaler, build_upscaler
from vqfr_core.pipeline.enlarging.enlarger import Enlarger

from .machine import describe_machine, peak_bytes

NETWORKS = {
    "RealESRGAN_x4plus": ("ESRGAN", {"num_filters": 64, "num_blocks": 23, "scale": 4}),
    "realesr-general-x4v3": ("Compact", {"num_feat": 64, "num_conv": 32, "upscale": 4}),
}
"""Published networks: spandrel's name and their sizes."""


def open_upscaler(name: str) -> Upscaler:
    architecture, sizes = NETWORKS[name]
    network: nn.Module = spandrel_network(architecture, **sizes)
    upscaler = build_upscaler(network.state_dict())
    upscaler.module.eval().requires_grad_(False)
    return upscaler


def measure_here(name: str, width: int, height: int, scale: int) -> None:
    """Enlarge one picture and print this process's peak in MB, its seconds, and the network's reach."""
    upscaler = open_upscaler(name)
    picture = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))
    size, start = (scale * height, scale * width), time.process_time()
    peak = peak_bytes(lambda: Enlarger(upscaler)(picture, size))
    seconds, result = time.process_time() - start, 12 * size[0] * size[1]
    print(f"{((peak or 0) - result) / 1e6:.0f} MB | {result / 1e6:.0f} MB | {seconds:.0f} s | {upscaler.reach_px} px")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=",".join(NETWORKS), help="of those named here (default: all)")
    parser.add_argument("--sizes", default="500x375,1000x750,2000x1500", help="pictures, as WIDTHxHEIGHT")
    parser.add_argument("--scale", type=int, default=4, help="of the result (default 4)")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        name, *numbers = arguments.one
        measure_here(name, *map(int, numbers))
        return
    print(f"{describe_machine()}\n\n| network | picture | peak without the result | result | time | reach |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in arguments.networks.split(","):
        for size in arguments.sizes.split(","):
            one = [name, *size.split("x"), str(arguments.scale)]
            command = [sys.executable, "-W", "ignore", "-m", "benchmarks.background", "--one", *one]
            answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            print(f"| {name} | {size} | {answer.splitlines()[-1]} |", flush=True)


if __name__ == "__main__":
    main()
