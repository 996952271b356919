"""Images in a labelled grid."""

from collections.abc import Sequence

from PIL import Image, ImageDraw
from torch import Tensor

from ..pictures import to_pil
from ..types import Face
from .text import Color, Font, draw_tag, load_font, text_size, wrap_text

_BACKGROUND: Color = (24, 24, 24)
_TEXT: Color = (240, 240, 240)


def draw_sweep(
    faces: Sequence[Sequence[Face]], fidelities: Sequence[float], cell_px: int = 512, names: Sequence[str] = ()
) -> Image.Image:
    """One row per face: the input crop, then the result at each fidelity; see `draw_comparison`."""
    return draw_comparison(faces, sweep_columns(fidelities)[1:], cell_px, names)


def draw_comparison(
    faces: Sequence[Sequence[Face]], columns: Sequence[str], cell_px: int = 512, names: Sequence[str] = ()
) -> Image.Image:
    """One row per face: the input crop, then each result.

    Args:
        faces: the same restored faces for each column, in the same order; at least one.
        columns: their names, as many.
        cell_px: longest side of each picture.
        names: of the rows; the faces' numbers if empty. A single row has none.
    """
    rows = [[fit(to_pil(image), cell_px) for image in _pictures(same)] for same in zip(*faces, strict=True)]
    names = names or [f"face {face.number}" for face in faces[0]]
    return draw_grid(rows, ["input", *columns], names if len(rows) > 1 else ())


def sweep_columns(fidelities: Sequence[float]) -> list[str]:
    """The column names of a sweep."""
    return ["input", *(f"fidelity {value:g}" for value in fidelities)]


def draw_grid(
    rows: Sequence[Sequence[Image.Image]], columns: Sequence[str], row_names: Sequence[str] = ()
) -> Image.Image:
    """Images in rows and columns, with column names above and row names in the first image of each.

    The images of a row are resized to the height of the tallest.
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


def draw_message(text: str, size: tuple[int, int] = (512, 512)) -> Image.Image:
    """A picture of (width, height) with a message, where there is nothing else to show."""
    font = load_font(size[0] / 16)
    picture = Image.new("RGB", size, _BACKGROUND)
    wrapped = wrap_text(text, font, 0.9 * size[0])
    width, height = text_size(wrapped, font)
    corner = ((size[0] - width) // 2, (size[1] - height) // 2)
    ImageDraw.Draw(picture).multiline_text(corner, wrapped, _TEXT, font, align="center")
    return picture


def fit(image: Image.Image, longest_px: int) -> Image.Image:
    """The image, reduced if its longer side exceeds that."""
    factor = longest_px / max(image.size)
    return image if factor >= 1 else _resize(image, factor)


def _pictures(same: Sequence[Face]) -> list[Tensor]:
    """The crop of a face, then each result."""
    crops = [same[0].crop.image] if same[0].crop is not None else []
    return [*crops, *(face.restored for face in same if face.restored is not None)]


def _fitting_font(texts: Sequence[str], width_px: int, size_px: float) -> Font:
    """The font at that size, or smaller if the longest text does not fit the width."""
    font = load_font(size_px)
    widest = max(text_size(text, font)[0] for text in texts)
    return font if widest <= width_px else load_font(size_px * width_px / widest)


def _with_height(image: Image.Image, height: int) -> Image.Image:
    return image if image.height == height else _resize(image, height / image.height)


def _resize(image: Image.Image, factor: float) -> Image.Image:
    size = max(1, round(image.width * factor)), max(1, round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS)
