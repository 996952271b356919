"""Memory for restoring a long animation from file to file: `python -m benchmarks.frames`.

A film of 500 frames is restored as GIF, APNG, WebP and as a TIFF of 500 pages, each in its own process, and so is its
first frame alone. What counts is how far the long film's peak exceeds the short one's. The writers of GIF and PNG hold
all frames at 8 bits until the last; these bytes are subtracted and shown.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vqfr_core import FaceRestorer, RestoreOptions
from vqfr_core.files.outputs import Job
from vqfr_core.files.reporter import Reporter
from vqfr_core.files.restore_file import restore_file
from vqfr_core.files.side_files import Extras
from vqfr_core.pictures import Frame, PictureInfo, to_tensor, write_frames

from .machine import describe_machine

FACE = Path(__file__).parents[1] / "tests" / "data" / "face.jpg"
SIZE = (1280, 720)
LIMIT_MB = 400
WAITING_BYTES = {".gif": 1, ".png": 4}
"""Bytes per pixel of a frame held by the writer: GIF has a palette, Pillow's colours take four bytes."""
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def film(num_frames: int, face_every: int, is_timed: bool) -> Iterator[Frame]:
    """Drifting smooth grey noise, with a small face in one of so many frames (0: in none)."""
    noise = np.random.default_rng(0).integers(90, 140, (SIZE[1] // 40, SIZE[0] // 40, 3), dtype=np.uint8)
    ground = Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)
    with Image.open(FACE) as opened:
        face = opened.convert("RGB").resize((160, 160), Image.Resampling.LANCZOS)
    for number in range(num_frames):
        still = Image.fromarray(np.roll(np.asarray(ground), 3 * number, axis=1))
        if face_every and number % face_every == 0:
            still.paste(face, (40 + number % 1000, 200))
        yield Frame(to_tensor(still), None, 40.0 if is_timed else None)


def make_film(path: Path, num_frames: int, face_every: int) -> None:
    frames = film(num_frames, face_every, is_timed=path.suffix != ".tif" and num_frames > 1)
    write_frames(frames, path, PictureInfo(), num_frames=num_frames, quality=80)


def restore_here(source: Path, target: Path) -> None:
    """Restore one file and print this process's peak memory in kB."""
    restorer = FaceRestorer("vqfr_small2", device="cpu", download=False)
    options = RestoreOptions(detection_size=320, fidelity=0.0, batch_size=1)
    restore_file(Job(source, target, Path(target.stem), True), restorer, options, Extras(), 80, Reporter())
    match = _PEAK.search(Path("/proc/self/status").read_text())
    print(match.group(1) if match else "0")


def peak_mb(source: Path, target: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.frames", "--one", str(source), str(target)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(answer.stdout.splitlines()[-1]) * 1024 / 1e6


def measure(suffix: str, num_frames: int, face_every: int, folder: Path) -> tuple[str, bool]:
    """A row of the table, and whether it is within the limit."""
    peaks = []
    for count in (1, num_frames):
        source, target = folder / f"{count}{suffix}", folder / f"{count}_restored{suffix}"
        make_film(source, count, face_every)
        peaks.append(peak_mb(source, target))
        for path in (source, target):
            path.unlink()
    waiting = WAITING_BYTES.get(suffix, 0) * SIZE[0] * SIZE[1] * num_frames / 1e6
    above = peaks[1] - peaks[0] - waiting
    cells = [suffix[1:], f"{peaks[0]:.0f} MB", f"{peaks[1]:.0f} MB", f"{waiting:.0f} MB", f"{above:.0f} MB"]
    return f"| {' | '.join(cells)} |", above <= LIMIT_MB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=500, help="length of the film (default 500)")
    parser.add_argument("--face-every", type=int, default=100, help="a face in one of so many frames (default 100)")
    parser.add_argument("--formats", default="gif,png,webp,tif", help="of gif, png, webp, tif (default: all)")
    parser.add_argument("--one", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        restore_here(*arguments.one)
        return
    print(f"{describe_machine()}; {arguments.frames} frames of {SIZE[0]} x {SIZE[1]} px\n")
    print("| format | peak, one frame | peak, all | waiting at 8 bits | above one frame |\n|---|---|---|---|---|")
    is_within = True
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        for name in arguments.formats.split(","):
            row, fits = measure(f".{name}", arguments.frames, arguments.face_every, Path(folder))
            print(row, flush=True)
            is_within = is_within and fits
    if not is_within:
        raise SystemExit(f"more than {LIMIT_MB} MB above one frame")


if __name__ == "__main__":
    main()
