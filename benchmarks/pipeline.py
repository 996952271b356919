"""Where the time goes, from file to file, on a 12-megapixel photograph: `python -m benchmarks.pipeline`."""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vqfr_core import FaceRestorer, RestoreOptions, read_picture, write_picture
from vqfr_core.timing import Stopwatch

from .machine import describe_machine

FACE = Path(__file__).parents[1] / "stand_ins" / "pictures" / "face.jpg"
SIZE = (4000, 3000)


def photograph(num_faces: int, path: Path) -> Path:
    """A 12-megapixel JPEG: smooth grey noise with the test face pasted num_faces times on a grid."""
    noise = np.random.default_rng(0).integers(90, 140, (SIZE[1] // 100, SIZE[0] // 100, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)
    columns = max(1, round((num_faces * SIZE[0] / SIZE[1]) ** 0.5))
    rows = -(-num_faces // columns)
    side = min(SIZE[0] // columns, SIZE[1] // rows, 900)
    with Image.open(FACE) as opened:
        face = opened.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    for i in range(num_faces):
        picture.paste(face, (i % columns * (SIZE[0] // columns), i // columns * (SIZE[1] // rows)))
    picture.save(path, quality=95)
    return path


def measure(restorer: FaceRestorer, num_faces: int, folder: Path) -> str:
    source = photograph(num_faces, folder / f"{num_faces}.jpg")
    watch = Stopwatch()
    with watch.stage("read"):
        picture = read_picture(source)
    result = restorer.restore(picture.images[0], RestoreOptions())
    with watch.stage("write"):
        write_picture(picture.with_images([result.image]), folder / "out.jpg")
    seconds = {"read": watch.seconds["read"], **result.report.timings_s, "write": watch.seconds["write"]}
    total = sum(seconds.values())
    beside = 1 - seconds["restore"] / total
    cells = [
        f"{seconds.get(stage, 0.0):.2f} s" for stage in ("read", "detect", "align", "restore", "mask", "blend", "write")
    ]
    return f"| {result.report.num_restored} | " + " | ".join([*cells, f"{total:.1f} s", f"{beside:.0%}"]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="auto", help="name or file of the weights (default: auto)")
    parser.add_argument("--device", help="default: the best there is")
    parser.add_argument("--faces", default="1,8,32", help="numbers of faces (default 1,8,32)")
    arguments = parser.parse_args()
    restorer = FaceRestorer(arguments.model, device=arguments.device)
    print(f"{describe_machine()}; model {restorer.model.name}\n")
    print("| faces | read | detect | align | network | mask | blend | write | all | not the network |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        measure(restorer, 1, Path(folder))  # warm-up
        for count in map(int, arguments.faces.split(",")):
            print(measure(restorer, count, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
