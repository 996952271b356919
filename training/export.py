"""Write the network of a checkpoint: `python -m training.export --checkpoint FILE.pt --out FILE.safetensors`."""

import argparse
import dataclasses
import json
from collections import Counter
from pathlib import Path

import torch
from safetensors.torch import save

from vqfr_core.atomic import whole_file

from .state import TrainState, load


def export(state: TrainState, target: Path, origin: str, license: str) -> int:
    """Write the averaged weights in float16, with a description inside; returns the bytes written."""
    net = state.ema if state.stage == 2 else state.net
    tensors = {key: value.detach().half().cpu().contiguous() for key, value in net.state_dict().items()}
    broken = [key for key, value in tensors.items() if not bool(value.isfinite().all())]
    if broken:
        raise ValueError(f"not exported: non-finite numbers in {', '.join(broken[:6])}")
    steps = Counter({f"stage{state.stage}_steps": state.step})
    for entry in state.history:
        steps[f"stage{entry['stage']:.0f}_steps"] += int(entry["steps"])
    metadata = {
        "format": "pt",
        "format_version": "1",
        "architecture": f"vqfr_v{state.net.generation}",
        "sizes": json.dumps(dataclasses.asdict(state.config), sort_keys=True),
        "license": license,
        "origin": origin,
        **{name: str(number) for name, number in sorted(steps.items())},
    }
    content = save(tensors, metadata)
    with whole_file(target) as file:
        file.write(content)
    return len(content)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="a checkpoint of the trainer")
    parser.add_argument("--origin", required=True, help="what it was trained on, for users of the file")
    parser.add_argument("--license", required=True, help="licence of the weights")
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    options = parser.parse_args(arguments)
    state = load(options.checkpoint, torch.device("cpu"))
    size = export(state, options.out, options.origin, options.license)
    print(f"{options.out}: {size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
