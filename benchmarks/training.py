"""Time per training step: `python -m benchmarks.training`, with `--device cuda --crops 16` on a GPU.

The main decoder of the small v1 forward and backward, on random crops of 256 px: in float32 and bfloat16, with
PyTorch's group normalisation and our deformable convolution as in use (torchvision's on a GPU), and with the layers of
`training`.
"""

import argparse

import torch

from training.networks import SMALL_V1, Vqfr, answer, build, code_features, decode_texture, entries_of, nearest
from vqfr_core.networks.kernels.norm import use_fast_norms
from vqfr_core.networks.kernels.warp import use_fast_warps

from .machine import alternate, describe_machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each way (default 3)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default cpu)")
    parser.add_argument("--crops", type=int, default=4, help="crops per step (default 4)")
    options = parser.parse_args()
    print(describe_machine())
    crops = torch.rand(options.crops, 3, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1
    crops = crops.to(options.device).contiguous(memory_format=torch.channels_last)
    plain, fast = (build(SMALL_V1).to(options.device).to(memory_format=torch.channels_last) for _ in range(2))
    use_fast_norms(fast)
    use_fast_warps(fast)
    with torch.no_grad():
        z = code_features(plain, crops)
        textures = decode_texture(plain, entries_of(plain, nearest(plain, z), z))

    def step(net: Vqfr, bf16: bool) -> None:
        with torch.autocast(crops.device.type, torch.bfloat16, enabled=bf16):
            image = answer(net, dict(textures), crops)
        image.float().square().mean().backward()

    ways = {
        "float32": lambda: step(plain, False),
        "bfloat16": lambda: step(plain, True),
        "float32, training's layers": lambda: step(fast, False),
        "bfloat16, training's layers": lambda: step(fast, True),
    }
    seconds = alternate(ways, options.runs)
    for name, value in seconds.items():
        print(f"{name}: {value:.2f} s, {seconds['float32'] / value:.2f} x")


if __name__ == "__main__":
    main()
