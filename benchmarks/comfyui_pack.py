"""Cost of the ComfyUI pack: import time, and memory for a batch of frames. `python -m benchmarks.comfyui_pack`.

Runs in the tests' stand-in for ComfyUI, so only the pack is measured.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from PIL import Image

from stand_ins.comfyui import Host, load_pack

from .machine import describe_machine, peak_bytes

ROOT = Path(__file__).parents[1]
HEAVY = ("facexlib", "torchvision", "cv2", "scipy", "numba", "requests", "safetensors")
_IMPORT = """
import sys, time, tempfile, pathlib
import torch, numpy
from stand_ins.comfyui import Host, load_pack
host, before = Host(pathlib.Path(tempfile.gettempdir())), set(sys.modules)
start = time.perf_counter()
load_pack(host, sys.modules)
print(time.perf_counter() - start)
print(*[name for name in {heavy} if name in sys.modules and name not in before])
"""


def import_seconds() -> tuple[float, list[str]]:
    """Seconds beyond PyTorch and numpy, in a new process, and which heavy packages were imported."""
    code = _IMPORT.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, *names = done.stdout.split()
    return float(seconds), names


def load_nodes(folder: Path) -> dict[str, Any]:
    """The nodes of the pack by id."""
    extension = asyncio.run(load_pack(Host(folder), sys.modules).comfy_entrypoint())
    return {node.define_schema().node_id: node for node in asyncio.run(extension.get_node_list())}


def frames_of(count: int) -> torch.Tensor:
    """IMAGE (count, 512, 512, 3): a face in every eighth frame, so that the network does not dominate."""
    with Image.open(ROOT / "tests" / "data" / "face.jpg") as picture:
        face = np.asarray(picture.convert("RGB").resize((512, 512)), dtype=np.float32) / 255
    frames = torch.full((count, 512, 512, 3), 0.5)
    frames[::8] = torch.from_numpy(face)
    return frames


def measure_frames(node: Any, count: int) -> str:
    settings = {
        entry.id: entry.settings["default"] for entry in node.define_schema().inputs if "default" in entry.settings
    }
    frames = frames_of(count)
    results: list[Any] = []
    start = time.perf_counter()
    with torch.inference_mode():
        peak = peak_bytes(lambda: results.append(node.execute(image=frames, **settings | {"model": "vqfr_small2"})))
    seconds = time.perf_counter() - start
    image, mask, _ = results[0].args
    outputs = image.nbytes + mask.nbytes
    beside = "unknown" if peak is None else f"{(peak - outputs) / 1e6:.0f} MB"
    return f"| {count} | {frames.nbytes / 1e6:.0f} MB | {outputs / 1e6:.0f} MB | {beside} | {seconds:.1f} s |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", default="16,64,256", help="numbers of frames (default 16,64,256)")
    arguments = parser.parse_args()
    print(f"{describe_machine()}\n")
    runs = [import_seconds() for _ in range(5)]
    heavy = ", ".join(runs[0][1]) or "none"
    print(f"import beyond PyTorch: {median(seconds for seconds, _ in runs):.2f} s; heavy packages imported: {heavy}\n")
    with tempfile.TemporaryDirectory() as folder:
        node = load_nodes(Path(folder))["VQFR_Restore"]
        measure_frames(node, 8)  # warm-up
        print("| frames | input | output | peak beside both | time |\n|---|---|---|---|---|")
        for count in map(int, arguments.frames.split(",")):
            print(measure_frames(node, count), flush=True)


if __name__ == "__main__":
    main()
