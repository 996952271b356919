"""Make a small group picture from portraits, each two thirds the size of the one before, for detection tests.

python tools/make_group_picture.py PORTRAIT... -o group.jpg
"""

import argparse
from pathlib import Path

from PIL import Image

CANVAS_SIZE = (960, 420)  # width, height
LARGEST_PX, SHRINK, GAP_PX = 340, 2 / 3, 12


def compose(portraits: list[Path]) -> Image.Image:
    """The portraits side by side on a plain ground, standing on its lower edge, the largest first."""
    canvas = Image.new("RGB", CANVAS_SIZE, (118, 122, 128))
    left, side = GAP_PX, float(LARGEST_PX)
    for path in portraits:
        with Image.open(path) as file:
            portrait = file.convert("RGB")
        portrait.thumbnail((round(side), round(side)), Image.Resampling.LANCZOS)
        canvas.paste(portrait, (left, CANVAS_SIZE[1] - GAP_PX - portrait.height))
        left, side = left + portrait.width + GAP_PX, side * SHRINK
    return canvas


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("portraits", nargs="+", type=Path, help="about square pictures of one face each")
    parser.add_argument("-o", "--output", required=True, type=Path, help="JPEG to write")
    arguments = parser.parse_args()
    compose(arguments.portraits).save(arguments.output, quality=88)


if __name__ == "__main__":
    main()
