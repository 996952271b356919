"""TIFF layouts that neither Pillow nor OpenCV reads right: by tifffile, the extra `tiff`."""

from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import InputError
from ..extras import how_to_install
from . import tiff_tags as tag
from .convert import Kind, Pixels, divide_by_alpha, pixels_from_array, pixels_from_pil
from .exif import orient
from .tiff_tags import Page

_INSTALL = how_to_install("tiff", "tifffile imagecodecs")
_NAMES = {tag.INVERTED_GRAY: "grey", tag.GRAY: "grey", tag.RGB: "RGB", tag.CMYK: "CMYK"}


def kind_of_other(path: Path, page: Page) -> Kind:
    """What `read_other` will give. Raises InputError if these pixels are not supported, or tifffile is missing."""
    if page.num_colors is None or page.num_samples < page.num_colors:
        raise InputError(
            f"{path}: its kind of pixels (photometric interpretation {page.photometric}, {page.num_samples} channels) "
            "cannot be read; save it as RGB"
        )
    if page.sample_format not in (tag.UNSIGNED, tag.FLOAT):
        raise InputError(f"{path}: has signed or complex numbers; save it with 8 or 16 bits a channel, unsigned")
    try:
        import tifffile  # noqa: F401
    except ImportError as error:
        raise InputError(f"{path}: {_description(page)} needs tifffile; install it with: {_INSTALL}") from error
    if page.photometric == tag.CMYK:
        return Kind(False, False, 8)
    depth = 32 if page.sample_format == tag.FLOAT or page.bits > 16 else 16 if page.bits > 8 else 8
    return Kind(page.num_colors == 1, page.alpha is not None, depth)


def read_other(path: Path, page: Page) -> Pixels:
    """The pixels of a page, upright. Integers of unusual depths are scaled to 8 or 16 bits, of 32 bits to floats.

    Raises InputError if the page is damaged or not supported.
    """
    kind = kind_of_other(path, page)
    array, profile = _decode(path, page)
    if array.ndim == 2:
        array = array[..., None]
    elif page.is_planar:
        array = np.moveaxis(array, 0, -1)
    height, width = page.size[::-1] if page.orientation >= 5 else page.size
    if array.shape != (height, width, page.num_samples):
        raise InputError(f"{path}: the file is damaged or cut off (its pixels do not fill it); copy or save it again")
    array = _usual_numbers(array, page, kind)
    assert page.num_colors is not None
    if page.photometric == tag.CMYK:
        ink = Image.frombytes("CMYK", (width, height), np.ascontiguousarray(array[..., :4]).tobytes())
        ink.info["icc_profile"] = profile
        pixels = pixels_from_pil(ink)
    else:
        pixels = pixels_from_array(array[..., : page.num_colors + (page.alpha is not None)])
    if page.photometric == tag.INVERTED_GRAY:
        pixels = pixels._replace(image=1.0 - pixels.image)
    if page.alpha == tag.PREMULTIPLIED:
        pixels = divide_by_alpha(pixels)
    alpha = None if pixels.alpha is None else orient(pixels.alpha, page.orientation)
    return pixels._replace(image=orient(pixels.image, page.orientation), alpha=alpha)


def _decode(path: Path, page: Page) -> tuple[np.ndarray, bytes | None]:
    """The pixels as stored, and the page's colour profile."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            stored = next(stored for stored in file.pages if stored.offset == page.offset).aspage()
            return stored.asarray(), stored.tags.valueof(tag.ICC_PROFILE)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
        raise InputError(f"{path}: {_description(page)} needs imagecodecs; install it with: {_INSTALL}") from error
    except (RuntimeError, StopIteration) as error:  # of which the codecs' errors are kinds
        raise InputError(f"{path}: the file is damaged or cut off ({error}); copy or save it again") from error


def _usual_numbers(array: np.ndarray, page: Page, kind: Kind) -> np.ndarray:
    """As uint8, uint16 or float32, from 0 to their maximum or to 1."""
    highest = 1 if page.sample_format == tag.FLOAT else 2**page.bits - 1
    if kind.bit_depth == 32:
        return np.asarray(array / highest, np.float32)
    if (page.sample_format, page.bits) == (tag.UNSIGNED, kind.bit_depth):
        return array
    usual = 2**kind.bit_depth - 1
    scaled = np.rint(np.clip(array / highest, 0, 1) * usual)
    return np.asarray(scaled, np.uint8 if kind.bit_depth == 8 else np.uint16)


def _description(page: Page) -> str:
    number = f"{page.bits}-bit floating point" if page.sample_format == tag.FLOAT else f"{page.bits}-bit"
    alpha = " with transparency" if page.alpha else ""
    planes = " in separate planes" if page.is_planar and page.num_samples > 1 else ""
    return f"a TIFF with {number} {_NAMES.get(page.photometric, 'pixels')}{alpha}{planes}"
