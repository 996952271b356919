"""Time of a training step on the CPU: `python -m benchmarks.training`.

The main decoder of the small v1 forward and backward, on four random crops of 256 px: in float32 and bfloat16, with
PyTorch's backward pass of group normalisation and with that of `training.norm`.
"""

import argparse

import torch

from training.networks import SMALL_V1, build, code_features, decode_texture, entries_of, nearest
from training.norm import use_fast_norms

from .machine import alternate, describe_machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each way (default 3)")
    runs: int = parser.parse_args().runs
    print(describe_machine())
    crops = (torch.rand(4, 3, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1).contiguous(
        memory_format=torch.channels_last
    )
    plain, fast = (build(SMALL_V1).to(memory_format=torch.channels_last) for _ in range(2))
    use_fast_norms(fast)
    with torch.no_grad():
        z = code_features(plain, crops)
        textures = decode_texture(plain, entries_of(plain, nearest(plain, z), z))

    def step(net: torch.nn.Module, bf16: bool) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            image = net.main_decoder(dict(textures), net.inpfeat_extraction(crops), crops)
        image.float().square().mean().backward()

    ways = {
        "float32": lambda: step(plain, False),
        "bfloat16": lambda: step(plain, True),
        "float32, training.norm": lambda: step(fast, False),
        "bfloat16, training.norm": lambda: step(fast, True),
    }
    seconds = alternate(ways, runs)
    for name, value in seconds.items():
        print(f"{name}: {value:.2f} s, {seconds['float32'] / value:.2f} x")


if __name__ == "__main__":
    main()
