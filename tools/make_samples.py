"""Make the photographs that the page offers to try, from sharp synthetic portraits.

python tools/make_samples.py SCAN SMALL GROUP...     # writes vqfr_core/page/samples/*.jpg
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from vqfr_core.evaluation.degrade import Severity, degrade  # noqa: E402

SAMPLES = ROOT / "vqfr_core" / "page" / "samples"
SCAN = Severity(blur_px=(2.0, 2.0), shrink=(4.0, 4.0), noise=(9.0, 9.0), jpeg=(70, 70))
SMALL = Severity(blur_px=(0.5, 0.5), shrink=(6.0, 6.0), noise=(2.0, 2.0), jpeg=(45, 45))
GROUP = Severity(blur_px=(1.0, 1.0), shrink=(2.0, 2.0), noise=(4.0, 4.0), jpeg=(60, 60))
GROUP_PX = 280


def save(pixels: np.ndarray, severity: Severity, name: str) -> None:
    """Write the degraded picture."""
    worse = degrade(pixels, severity, np.random.default_rng(0))
    Image.fromarray(worse).save(SAMPLES / f"{name}.jpg", quality=88)


def read(path: Path, mode: str = "RGB") -> Image.Image:
    return Image.open(path).convert(mode).convert("RGB")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scan", type=Path, help="a sharp portrait with one face; becomes grey")
    parser.add_argument("small", type=Path, help="another")
    parser.add_argument("group", nargs="+", type=Path, help="those side by side")
    arguments = parser.parse_args()
    save(np.asarray(read(arguments.scan, "L")), SCAN, "old_scan")
    save(np.asarray(read(arguments.small)), SMALL, "small_picture")
    save(np.hstack([np.asarray(read(path).resize((GROUP_PX, GROUP_PX))) for path in arguments.group]), GROUP, "group")


if __name__ == "__main__":
    main()
