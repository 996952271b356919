"""GIF frames that keep their colours: a changed frame gets the colours it had, and in the room left, new ones."""

import numpy as np
from PIL import Image

from .losses import tell_loss

_NUM_COLORS = 256
_FEWEST_NEW = 2


def colors_of(image: Image.Image) -> np.ndarray:
    """The distinct colours of an RGB or RGBA image: ascending 0xRRGGBB, uint32."""
    return np.unique(_packed(np.asarray(image.convert("RGB"))))


def with_palette(array: np.ndarray, known: np.ndarray) -> Image.Image:
    """A frame as a palette image in which pixels of known colours keep them exactly.

    array: uint8 (H, W, 3 or 4); half opaque and more counts as opaque. known: colours as in `colors_of`. The other
    pixels get the nearest of the known colours and of as many new ones as there is room for, dithered. Of too many
    known colours the most used are kept, and the loss is told.
    """
    colors = _packed(array[..., :3])
    opaque = array[..., 3] >= 128 if array.shape[2] == 4 else np.ones(colors.shape, bool)
    is_known = np.isin(colors, known) & opaque
    is_clear = not opaque.all()
    kept = _most_used(colors[is_known], _NUM_COLORS - is_clear)
    is_known &= np.isin(colors, kept)
    others = array[..., :3][opaque & ~is_known]
    palette = np.concatenate([_unpacked(kept), _new_colors(others, _NUM_COLORS - len(kept) - is_clear)])
    indices = _nearest(array[..., :3], palette) if len(others) else np.zeros(colors.shape, np.uint8)
    indices[is_known] = np.searchsorted(kept, colors[is_known])
    if is_clear:
        indices[~opaque] = len(palette)
        palette = np.concatenate([palette, np.zeros((1, 3), np.uint8)])
    image = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    image.putpalette(palette.tobytes())
    if is_clear:
        image.info["transparency"] = len(palette) - 1
    return image


def _most_used(colors: np.ndarray, room: int) -> np.ndarray:
    """Up to `room` distinct colours, ascending."""
    known, counts = np.unique(colors, return_counts=True)
    if len(known) > room:
        tell_loss(f"a GIF frame holds {_NUM_COLORS} colours, and one had more: pixels outside the faces changed, too")
    return np.sort(known[np.argsort(-counts, kind="stable")[:room]])


def _new_colors(pixels: np.ndarray, room: int) -> np.ndarray:
    """Up to `room` colours (K, 3) for pixels (N, 3)."""
    if not len(pixels) or room < _FEWEST_NEW:
        return np.empty((0, 3), np.uint8)
    reduced = Image.fromarray(pixels[None]).quantize(room, Image.Quantize.MEDIANCUT)
    used = np.unique(np.asarray(reduced))
    table = np.array(reduced.getpalette(), np.uint8).reshape(-1, 3)
    colors: np.ndarray = table[used]
    return colors


def _nearest(pixels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """Indices (H, W) into the palette, dithered."""
    table = Image.new("P", (1, 1))
    table.putpalette(np.resize(palette, (_NUM_COLORS, 3)).astype(np.uint8).tobytes())
    image = Image.fromarray(np.ascontiguousarray(pixels))
    found = np.asarray(image.quantize(palette=table, dither=Image.Dither.FLOYDSTEINBERG), np.int64)
    return (found % len(palette)).astype(np.uint8)  # the table repeats its colours


def _packed(array: np.ndarray) -> np.ndarray:
    red, green, blue = (array[..., channel].astype(np.uint32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _unpacked(colors: np.ndarray) -> np.ndarray:
    return np.stack([colors >> 16, colors >> 8 & 255, colors & 255], -1).astype(np.uint8)
