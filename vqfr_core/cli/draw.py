"""Pictures with labels: side by side, and in a grid."""

import dataclasses
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..imageio import Frame, Picture, to_pil, to_tensor

Color = tuple[int, int, int]
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont

_BACKGROUND: Color = (24, 24, 24)
_TEXT: Color = (240, 240, 240)
_RULER = ImageDraw.Draw(Image.new("RGB", (1, 1)))
_MIN_FONT_PX, _MAX_FONT_PX = 10, 120


def load_font(size_px: float) -> Font:
    """Pillow's own font, about that high; at one small size where Pillow is old or has no FreeType."""
    try:
        return ImageFont.load_default(max(_MIN_FONT_PX, min(round(size_px), _MAX_FONT_PX)))
    except (TypeError, ImportError, OSError):
        return ImageFont.load_default()


def text_size(text: str, font: Font) -> tuple[int, int]:
    """(width, height) in pixels of one line or several, the height from the first line's top to the last descender."""
    left, _, right, bottom = _RULER.multiline_textbbox((0, 0), text, font)
    return round(right - left), round(bottom)


def wrap_text(text: str, font: Font, width_px: float) -> str:
    """The text in lines that fit the width, as far as its words do."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and text_size(f"{lines[-1]} {word}", font)[0] <= width_px:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def flatten_frame(frame: Frame) -> Image.Image:
    """A frame as 8-bit RGB, what is transparent laid over white."""
    image = frame.image if frame.alpha is None else frame.image * frame.alpha + (1 - frame.alpha)
    return to_pil(image.clamp(0, 1))


def still_of(picture: Picture, number: int = 0) -> Picture:
    """One frame of a picture as a picture of its own."""
    return dataclasses.replace(picture, frames=picture.frames[number : number + 1])


def picture_of(image: Image.Image, like: Picture) -> Picture:
    """A drawn image as a picture with the colour profile of the one it shows."""
    is_gray_profile = like.icc_profile is not None and like.icc_profile[16:20] == b"GRAY"
    return Picture((Frame(to_tensor(image)),), icc_profile=None if is_gray_profile else like.icc_profile)


def mask_picture(masks: Sequence[Tensor], like: Picture) -> Picture:
    """Masks (1, H, W) in [0, 1] as a gray picture with the frames of the other."""
    frames = [
        Frame(mask.expand(3, -1, -1), None, frame.duration_ms) for mask, frame in zip(masks, like.frames, strict=True)
    ]
    return Picture(tuple(frames), is_gray=True, loop=like.loop)


def fit(image: Image.Image, longest_px: int) -> Image.Image:
    """The image, reduced when its longer side has more pixels than that."""
    factor = longest_px / max(image.size)
    return image if factor >= 1 else _resize(image, factor)


def draw_grid(
    rows: Sequence[Sequence[Image.Image]], columns: Sequence[str], row_names: Sequence[str] = ()
) -> Image.Image:
    """Images in rows and columns, with the columns' names above and the rows' names in their first image.

    The images of a row are brought to the height of the highest.
    """
    cells = [[_with_height(image, max(other.height for other in row)) for image in row] for row in rows]
    widths = [max(row[i].width for row in cells) for i in range(len(columns))]
    heights = [row[0].height for row in cells]
    gap = max(2, max(widths) // 128)
    font = _fitting_font(columns, min(widths) - 2 * gap, max(max(widths), max(heights)) / 20)
    bar = round(1.5 * text_size("Ag", font)[1])
    lefts = [sum(widths[:i]) + gap * (i + 1) for i in range(len(widths))]
    tops = [bar + sum(heights[:i]) + gap * i for i in range(len(heights))]
    sheet = Image.new("RGB", (lefts[-1] + widths[-1] + gap, tops[-1] + heights[-1] + gap), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for left, width, name in zip(lefts, widths, columns, strict=True):
        text_width, text_height = text_size(name, font)
        draw.text((left + (width - text_width) // 2, (bar - text_height) // 2), name, _TEXT, font)
    for row, top in zip(cells, tops, strict=True):
        for image, left in zip(row, lefts, strict=True):
            sheet.paste(image, (left, top))
    for name, top in zip(row_names, tops, strict=False):
        draw_tag(draw, (lefts[0], top), name, font, _BACKGROUND, _TEXT)
    return sheet


def draw_tag(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, font: Font, background: Color, color: Color
) -> None:
    """One line of text or several on a filled rectangle; corner: its upper left one."""
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


def _fitting_font(texts: Sequence[str], width_px: int, size_px: float) -> Font:
    """The font at that size, or smaller so that the longest text fits the width."""
    font = load_font(size_px)
    widest = max(text_size(text, font)[0] for text in texts)
    return font if widest <= width_px else load_font(size_px * width_px / widest)


def _with_height(image: Image.Image, height: int) -> Image.Image:
    return image if image.height == height else _resize(image, height / image.height)


def _resize(image: Image.Image, factor: float) -> Image.Image:
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS)
