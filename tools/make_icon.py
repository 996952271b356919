"""Draw the icon and the banner of the Comfy Registry: `python -m tools.make_icon`."""

from pathlib import Path

from PIL import Image, ImageDraw

from vqfr_core.drawing.text import load_font

OUTPUT = Path(__file__).resolve().parents[1] / "docs"
SIDE_PX, BANNER_PX = 400, (1260, 540)
CELLS = 10
"""Of the coarse half, along a side."""
BACK, SKIN, SHADE, HAIR, DARK, LIPS = "#1d2733", "#e8b89a", "#d39c7d", "#4a3328", "#2b2320", "#b4594f"


def draw_face(side_px: int) -> Image.Image:
    """A face on a plain ground; drawn large and reduced, for smooth edges."""
    picture = Image.new("RGB", (400, 400), BACK)
    large = picture.resize((1600, 1600))
    draw = ImageDraw.Draw(large)

    def ellipse(x: float, y: float, width: float, height: float, color: str) -> None:
        draw.ellipse([4 * v for v in (x - width / 2, y - height / 2, x + width / 2, y + height / 2)], fill=color)

    ellipse(200, 185, 270, 310, HAIR)
    draw.rounded_rectangle([620, 1120, 980, 1700], 120, fill=SHADE)
    ellipse(200, 215, 220, 280, SKIN)
    draw.pieslice([320, 230, 1280, 900], 180, 360, fill=HAIR)
    for x in (155, 245):
        ellipse(x, 208, 46, 24, "white")
        ellipse(x, 208, 20, 22, DARK)
        draw.line([4 * x - 110, 700, 4 * x + 110, 690], fill=HAIR, width=36)
    draw.line([800, 860, 770, 1010, 830, 1020], fill=SHADE, width=24, joint="curve")
    ellipse(200, 292, 84, 32, LIPS)
    draw.line([640, 1168, 960, 1168], fill=DARK, width=10)
    return large.resize((side_px, side_px), Image.Resampling.LANCZOS)


def draw_icon() -> Image.Image:
    """Coarse on the left, restored on the right."""
    face = draw_face(SIDE_PX)
    coarse = face.resize((CELLS, CELLS), Image.Resampling.BOX).resize(face.size, Image.Resampling.NEAREST)
    half = SIDE_PX // 2
    face.paste(coarse.crop((0, 0, half, SIDE_PX)))
    ImageDraw.Draw(face).line([half, 0, half, SIDE_PX], fill="white", width=6)
    return face


def draw_banner(icon: Image.Image) -> Image.Image:
    banner = Image.new("RGB", BANNER_PX, BACK)
    banner.paste(icon, (70, (BANNER_PX[1] - icon.height) // 2))
    draw = ImageDraw.Draw(banner)
    draw.text((530, 170), "VQFR\nFace Restore", "white", load_font(92))
    draw.text((530, 395), "sharp faces, and a report of every one", SKIN, load_font(34))
    return banner


def main() -> None:
    icon = draw_icon()
    icon.quantize(64).save(OUTPUT / "icon.png", optimize=True)
    draw_banner(icon).quantize(64).save(OUTPUT / "banner.png", optimize=True)


if __name__ == "__main__":
    main()
