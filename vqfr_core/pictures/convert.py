"""Convert between the core's images and those of Pillow and numpy, the only place with channels-last and integers."""

import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import InputError
from .picture import Frame

_TRANSPARENT_MODES = ("LA", "La", "PA", "RGBA", "RGBa")
_BLACK_POINT_COMPENSATION = 0x2000  # cmsFLAGS_BLACKPOINTCOMPENSATION of Little CMS
_MAXIMA = {8: 255, 16: 65535}
_ROWS_AT_ONCE = 16


class Kind(NamedTuple):
    """The kind of pixels a file stores."""

    is_gray: bool
    """It has one colour channel."""
    has_alpha: bool
    bit_depth: int
    """8, 16, or 32 for floating point."""


class Pixels(NamedTuple):
    """The pixels of a Pillow image or an array."""

    image: Tensor
    """RGB float32 in [0, 1], (3, H, W)."""
    alpha: Tensor | None
    """float32 in [0, 1], (1, H, W)."""
    is_gray: bool
    """It had one colour channel."""
    bit_depth: int
    """8, 16, or 32 for floating point."""


def to_tensor(value: Image.Image | np.ndarray | Tensor) -> Tensor:
    """Convert any usual image to RGB float32 in [0, 1], (3, H, W), on the CPU unless given a tensor on another device.

    value: a Pillow image of any mode (CMYK goes through its embedded profile; an EXIF orientation is not applied);
    an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16 or float in [0, 1]; or a tensor (1, H, W),
    (3, H, W) or (4, H, W) of uint8 or float in [0, 1]. One channel becomes three equal ones. Alpha is left out.
    Raises InputError for another type or shape, NaN, and floats outside [0, 1].
    """
    if isinstance(value, Image.Image):
        return pixels_from_pil(value).image
    if isinstance(value, Tensor):
        return _from_tensor(value)
    if isinstance(value, np.ndarray):
        return pixels_from_array(value).image
    raise InputError(f"cannot use {type(value).__name__} as an image; give a Pillow image, a numpy array or a tensor")


def to_array(image: Tensor, bit_depth: int = 8) -> np.ndarray:
    """The image as an array (H, W, 3): uint8, uint16 or float32 for a bit depth of 8, 16 or 32.

    image: RGB float32 in [0, 1], (3, H, W). Integers are rounded half to even; pixels read from a file of that bit
    depth come back exactly. Raises InputError for another shape, NaN or values outside [0, 1].
    """
    if bit_depth not in (8, 16, 32):
        raise InputError(f"bit_depth is {bit_depth}; use 8, 16, or 32 for floating point")
    return frame_to_array(Frame(_from_tensor(image)), bit_depth, is_gray=False, keep_alpha=False)


def to_pil(image: Tensor, alpha: Tensor | None = None) -> Image.Image:
    """The image as an 8-bit Pillow image, RGB, or RGBA when alpha is given.

    image: RGB float32 in [0, 1], (3, H, W). alpha: float32 in [0, 1], (1, H, W). Raises InputError as `to_array` does.
    """
    frame = Frame(_from_tensor(image), alpha)
    return Image.fromarray(frame_to_array(frame, 8, is_gray=False, keep_alpha=True))


def kind_of_pil(picture: Image.Image) -> Kind:
    """What `pixels_from_pil` will give, known before decoding."""
    if picture.mode == "F":
        return Kind(True, False, 32)
    if picture.mode.startswith("I"):
        return Kind(True, False, 16)
    transparent = picture.mode in _TRANSPARENT_MODES or "transparency" in picture.info
    return Kind(picture.mode in ("1", "L", "LA", "La"), transparent and picture.mode != "CMYK", 8)


def pixels_from_pil(picture: Image.Image) -> Pixels:
    """The pixels of a Pillow image of any mode. Raises InputError for values outside [0, 1]."""
    if picture.mode == "CMYK":
        picture = _cmyk_to_srgb(picture)
    if picture.mode == "I":
        return pixels_from_array(_as_16_bit(np.asarray(picture)))
    kind = kind_of_pil(picture)
    if kind.bit_depth > 8:
        return pixels_from_array(np.asarray(picture))
    if picture.mode == "1":
        picture = picture.convert("L")
    mode = ("L" if kind.is_gray else "RGB") + ("A" if kind.has_alpha else "")
    return pixels_from_array(np.asarray(picture if picture.mode == mode else picture.convert(mode)))


def pixels_from_array(array: np.ndarray) -> Pixels:
    """The pixels of an array (H, W) or (H, W, C): grey, grey and alpha, RGB or RGBA, for 1 to 4 channels.

    uint8, uint16, or float in [0, 1]. Raises InputError for other types and shapes, NaN and floats outside [0, 1].
    """
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 2, 3, 4) or 0 in array.shape:
        raise InputError(f"an array of shape {array.shape} is not an image; it must be (H, W) or (H, W, 1, 3 or 4)")
    depth = _bit_depth(array.dtype)
    has_alpha = array.shape[2] in (2, 4)
    colors = _planes(array[..., :-1] if has_alpha else array, depth)
    alpha = _planes(array[..., -1:], depth) if has_alpha else None
    is_gray = colors.shape[0] == 1
    return Pixels(colors.repeat(3, 1, 1) if is_gray else colors, alpha, is_gray, depth)


def divide_by_alpha(pixels: Pixels) -> Pixels:
    """Colours that were stored multiplied by their opacity, as they are without it."""
    assert pixels.alpha is not None
    return pixels._replace(image=(pixels.image / pixels.alpha.clamp_min(1e-6)).clamp(0.0, 1.0))


def frame_to_array(frame: Frame, bit_depth: int, is_gray: bool, keep_alpha: bool) -> np.ndarray:
    """A frame the way files store it: (H, W, C) with C = 1 or 3, and one more for alpha if it has any.

    Without `keep_alpha` a transparent frame is composited over white. With `is_gray` colours become their brightness;
    three equal channels come back exactly. uint8 or uint16, rounded half to even, or float32.
    """
    alpha = None if frame.alpha is None else frame.alpha.detach().cpu()
    image = frame.image.detach().cpu()
    if alpha is not None and not keep_alpha:
        image = image * alpha + (1.0 - alpha)
        alpha = None
    planes = [_brightness(image)] if is_gray else list(image)
    planes += [] if alpha is None else [alpha[0]]
    kind = {8: np.uint8, 16: np.uint16, 32: np.float32}[bit_depth]
    array = np.empty((*image.shape[1:], len(planes)), dtype=kind)
    for channel, plane in enumerate(planes):
        if bit_depth == 32:
            array[..., channel] = plane.numpy()
        else:
            _quantize(plane.numpy(), array[..., channel], _MAXIMA[bit_depth])
    return array


def _from_tensor(image: Tensor) -> Tensor:
    if image.ndim != 3 or image.shape[0] not in (1, 3, 4) or 0 in image.shape:
        hint = "; take one image of the batch" if image.ndim == 4 else ""
        if image.ndim == 3 and image.shape[2] in (1, 3, 4):
            hint = "; bring the channels to the front with .permute(2, 0, 1)"
        raise InputError(f"a tensor of shape {tuple(image.shape)} is not an image; it must be (3, H, W){hint}")
    if image.dtype == torch.uint8:
        image = image.to(torch.float32) / 255
    elif not image.is_floating_point():
        raise InputError(f"a tensor of {image.dtype} is not an image; give uint8, or float in 0 to 1")
    image = image.to(torch.float32)
    _check_range(image)
    return image.repeat(3, 1, 1) if image.shape[0] == 1 else image[:3]


def _bit_depth(dtype: np.dtype) -> int:
    if dtype == np.uint8:
        return 8
    if dtype.kind == "u" and dtype.itemsize == 2:
        return 16
    if dtype.kind == "f":
        return 32
    raise InputError(f"an array of {dtype} is not an image; give uint8, uint16, or float in 0 to 1")


def _planes(array: np.ndarray, bit_depth: int) -> Tensor:
    """(H, W, C) as float32 (C, H, W) in [0, 1]."""
    height, width, num_channels = array.shape
    planes = np.empty((num_channels, height, width), np.float32)
    for rows in _pieces(height):
        planes[:, rows] = array[rows].transpose(2, 0, 1)
        if bit_depth in _MAXIMA:
            planes[:, rows] /= np.float32(_MAXIMA[bit_depth])
    result = torch.from_numpy(planes)
    if bit_depth == 32:
        _check_range(result)
    return result


def _check_range(image: Tensor) -> None:
    low, high = (float(value) for value in torch.aminmax(image))
    if low != low or high != high:
        raise InputError("the image has values that are not numbers (NaN); repair them before use")
    if low < 0 or high > 1:
        raise InputError(f"the image has values from {low:g} to {high:g}; scale them to the range 0 to 1")


def _as_16_bit(array: np.ndarray) -> np.ndarray:
    """Pillow's 32-bit integers, its mode for many 16-bit files."""
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > 65535:
        raise InputError(f"the image has 32-bit integers from {low} to {high}; save it as 16-bit or floating point")
    return array.astype(np.uint16)


def _cmyk_to_srgb(picture: Image.Image) -> Image.Image:
    """Through the embedded profile, as printed; without a usable one, by Pillow's plain formula."""
    profile = picture.info.get("icc_profile")
    if not profile or profile[16:20] != b"CMYK":
        return picture.convert("RGB")
    from PIL import ImageCms

    flags: Any = getattr(ImageCms, "Flags", int)(_BLACK_POINT_COMPENSATION)  # a class of its own since Pillow 10.3
    try:
        converted = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=flags,
        )
    except (ImageCms.PyCMSError, OSError, ImportError):  # a damaged profile, or Pillow built without Little CMS
        return picture.convert("RGB")
    return picture.convert("RGB") if converted is None else converted


def _brightness(image: Tensor) -> Tensor:
    """(H, W) by ITU-R BT.601. Equal channels keep their value exactly."""
    red, green, blue = image
    weighted = 0.299 * red + 0.587 * green + 0.114 * blue
    return torch.where((red == green) & (green == blue), red, weighted)


def _quantize(plane: np.ndarray, stored: np.ndarray, maximum: int) -> None:
    """Write (H, W) in [0, 1] to integers of the same shape, rounded half to even."""
    for rows in _pieces(len(plane)):
        stored[rows] = np.rint(np.clip(plane[rows], 0.0, 1.0) * np.float32(maximum))


def _pieces(num_rows: int) -> Iterator[slice]:
    """A few rows at a time: temporaries that stay in the CPU cache make it several times as fast."""
    return (slice(top, top + _ROWS_AT_ONCE) for top in range(0, num_rows, _ROWS_AT_ONCE))
