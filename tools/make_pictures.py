"""Make the example photograph and the README's pictures.

python tools/make_pictures.py PORTRAIT           # a sharp portrait; writes examples/portrait.jpg and docs/*.jpg
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from vqfr_core import FaceRestorer, RestoreOptions, read_picture, to_pil  # noqa: E402
from vqfr_core.evaluation.degrade import Severity, degrade  # noqa: E402

OLD_SCAN = Severity(blur_px=(1.5, 1.5), shrink=(3.0, 3.0), noise=(5.0, 5.0), jpeg=(70, 70))
"""The example's degradation: slightly out of focus, small, noisy and compressed."""
HEIGHT = 512
FIDELITIES = (0.0, 0.125, 0.25, 0.5)
"""Of the built-in v1, which does not change above the last."""


def make_example(portrait: Path) -> Path:
    """The portrait, degraded: examples/portrait.jpg."""
    sharp = np.asarray(Image.open(portrait).convert("RGB"))
    path = ROOT / "examples" / "portrait.jpg"
    Image.fromarray(degrade(sharp, OLD_SCAN, np.random.default_rng(0))).save(path, quality=92)
    return path


def side_by_side(images: Sequence[Tensor | Image.Image], titles: Sequence[str]) -> Image.Image:
    """A row of pictures of equal height, each with its title below."""
    tiles = [image if isinstance(image, Image.Image) else to_pil(image) for image in images]
    sizes = [(round(tile.width * HEIGHT / tile.height), HEIGHT) for tile in tiles]
    tiles = [tile.resize(size, Image.Resampling.LANCZOS) for tile, size in zip(tiles, sizes, strict=True)]
    sheet = Image.new("RGB", (sum(tile.width + 8 for tile in tiles) - 8, HEIGHT + 40), "white")
    draw, left = ImageDraw.Draw(sheet), 0
    for tile, title in zip(tiles, titles, strict=True):
        sheet.paste(tile, (left, 0))
        draw.text((left + 8, HEIGHT + 6), title, fill="black", font_size=24)
        left += tile.width + 8
    return sheet


def boxes_on(image: Tensor, box: tuple[float, ...], landmarks: tuple[tuple[float, float], ...]) -> Image.Image:
    picture = to_pil(image)
    draw = ImageDraw.Draw(picture)
    draw.rectangle(box, outline="lime", width=3)
    for x, y in landmarks:
        draw.ellipse((x - 4, y - 4, x + 4, y + 4), fill="lime")
    return picture


def save_half(sheet: Image.Image, name: str) -> None:
    """Save a sheet in docs/ at half its size."""
    half = sheet.resize((sheet.width // 2, sheet.height // 2), Image.Resampling.LANCZOS)
    half.save(ROOT / "docs" / name, quality=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("portrait", type=Path, help="a sharp portrait with one face")
    parser.add_argument("--model", default="auto", help="name or file of the weights (default: auto)")
    arguments = parser.parse_args()
    image = read_picture(make_example(arguments.portrait)).images[0]
    restorer = FaceRestorer(arguments.model)
    result = restorer.restore(image, RestoreOptions())
    face, found = result.faces[0], result.report.faces[0]
    assert face.mask is not None
    side_by_side([image, result.image], ["before", "after"]).save(ROOT / "docs" / "before_after.jpg", quality=92)
    x0, y0, x1, y1 = (round(value) for value in found.box)
    margin = (x1 - x0) // 3
    rows = slice(max(0, y0 - margin), y1 + margin)
    columns = slice(max(0, x0 - margin), x1 + margin)
    close = [image[:, rows, columns], result.image[:, rows, columns]]
    side_by_side(close, ["before", "after"]).save(ROOT / "docs" / "before_after_face.jpg", quality=92)
    steps: list[Tensor | Image.Image] = [
        boxes_on(image, found.box, found.landmarks),
        face.crop.image,
        face.image,
        face.mask.expand(3, -1, -1),
        result.image,
    ]
    titles = ["1 detect", "2 align", "3 restore", "4 mask", "5 blend"]
    save_half(side_by_side(steps, titles), "steps.jpg")
    swept = restorer.sweep(image, FIDELITIES, RestoreOptions())
    crops = [face.crop.image, *(one.faces[0].image for one in swept)]
    save_half(side_by_side(crops, ["input", *(f"fidelity {fidelity:g}" for fidelity in FIDELITIES)]), "fidelities.jpg")


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
