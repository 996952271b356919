"""Text in drawings."""

from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont

_RULER = ImageDraw.Draw(Image.new("RGB", (1, 1)))
_MIN_FONT_PX, _MAX_FONT_PX = 10, 120


def load_font(size_px: float) -> Font:
    """Pillow's built-in font, about that high; at one small size if Pillow is old or lacks FreeType."""
    try:
        return ImageFont.load_default(max(_MIN_FONT_PX, min(round(size_px), _MAX_FONT_PX)))
    except (TypeError, ImportError, OSError):
        return ImageFont.load_default()


def text_size(text: str, font: Font) -> tuple[int, int]:
    """(width, height) in pixels of one or more lines, from the top of the first to the last descender."""
    left, _, right, bottom = _RULER.multiline_textbbox((0, 0), text, font)
    return round(right - left), round(bottom)


def wrap_text(text: str, font: Font, width_px: float) -> str:
    """The text wrapped to the width, as far as its words allow."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and text_size(f"{lines[-1]} {word}", font)[0] <= width_px:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def draw_tag(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, font: Font, background: Color, color: Color
) -> None:
    """Draw one or more lines of text on a filled rectangle. corner: its top left."""
    width, height = tag_size(text, font)
    padding = tag_padding(font)
    draw.rectangle((*corner, corner[0] + width - 1, corner[1] + height - 1), background)
    draw.multiline_text((corner[0] + padding, corner[1] + padding // 2), text, color, font)


def tag_size(text: str, font: Font) -> tuple[int, int]:
    """(width, height) of what `draw_tag` draws."""
    width, height = text_size(text, font)
    padding = tag_padding(font)
    return width + 2 * padding, height + 2 * (padding // 2) + 1


def tag_padding(font: Font) -> int:
    return max(2, text_size("Ag", font)[1] // 4)
