"""Write the network of a checkpoint: `python -m training.export --checkpoint FILE.pt --out FILE.safetensors`."""

import argparse
import dataclasses
import json
import os
from pathlib import Path

import torch
from safetensors.torch import save

from .state import TrainState, load

ORIGIN = "trained from scratch on SFHQ-T2I faces (MIT, Copyright (c) 2024 David Beniaguev; synthetic)"


def export(state: TrainState, target: Path) -> int:
    """Write the averaged weights in float16 with a description inside; returns the bytes written."""
    net = state.ema if state.stage == 2 else state.net
    tensors = {key: value.detach().half().cpu().contiguous() for key, value in net.state_dict().items()}
    broken = [key for key, value in tensors.items() if not bool(value.isfinite().all())]
    if broken:
        raise ValueError(f"not exported: numbers that are not finite in {', '.join(broken[:6])}")
    steps = {f"stage{entry['stage']:.0f}_steps": str(int(entry["steps"])) for entry in state.history}
    metadata = {
        "format": "pt",
        "format_version": "1",
        "architecture": "vqfr_v1",
        "sizes": json.dumps(dataclasses.asdict(state.config), sort_keys=True),
        "license": "Apache-2.0",
        "origin": ORIGIN,
        **steps,
        f"stage{state.stage}_steps": str(state.step),
    }
    content = save(tensors, metadata)
    partial = target.with_suffix(".part")
    partial.write_bytes(content)
    os.replace(partial, target)
    return len(content)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="a checkpoint of the trainer")
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    options = parser.parse_args(arguments)
    size = export(load(options.checkpoint, torch.device("cpu")), options.out)
    print(f"{options.out}: {size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
