"""Affine resampling with exact geometry: only the needed part of the input is read, and shrinking does not alias.

Convention: a matrix is float64 (2, 3) and maps (x, y, 1) to (x, y); pixel centres are at integers in both images.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import InputError

_GRID_PADDING = {"zeros": "zeros", "border": "border", "reflect": "reflection"}
_KERNEL_REACH_PX = {"bilinear": 1, "bicubic": 2}
_SHRINK_TOLERANCE = 1.05  # below this the prefilter costs more sharpness than it saves from aliasing
_BAND_PX = 1 << 21  # output pixels sampled at once; bounds the memory of the coordinates


def warp_affine(
    image: Tensor,
    output_to_input: np.ndarray,
    size: tuple[int, int],
    *,
    padding: str = "zeros",
    mode: str = "bilinear",
    antialias: bool = True,
) -> Tensor:
    """Resample an image: output pixel (x, y) shows the input at ``output_to_input @ (x, y, 1)``.

    Args:
        image: floating point (C, H, W), any range.
        output_to_input: (2, 3); maps output pixels to input pixels.
        size: (height, width) of the output in pixels.
        padding: what is outside the input: "zeros", "border" (its edge pixels) or "reflect" (mirrored at its edge).
        mode: "bilinear" or "bicubic" (sharper; may overshoot the input's range a little).
        antialias: where the image shrinks, average over the input pixels under each output pixel.

    Returns:
        (C, height, width) on the image's device, in its dtype. Time and memory depend on the output and the part of the
        input it shows, not on the input's size.

    Raises:
        InputError: an argument has a wrong type, shape or name.
    """
    matrix = _checked_matrix(output_to_input)
    _check_request(image, size, padding, mode)
    x0, x1, y0, y1 = _input_window(matrix, size, image.shape[-2:], padding, mode)
    source = _working_copy(image[:, y0 : y1 + 1, x0 : x1 + 1])
    matrix = compose_affine(matrix, translation_affine(-x0, -y0))
    if antialias:
        source, matrix = _prefilter(source, matrix, mode)
    warped = _sample_in_bands(source, matrix, size, padding, mode)
    return warped.to(device=image.device, dtype=image.dtype)


def invert_affine(matrix: np.ndarray) -> np.ndarray:
    """The inverse matrix, float64 (2, 3). Raises InputError if there is none."""
    matrix = _checked_matrix(matrix)
    linear = matrix[:, :2]
    if abs(np.linalg.det(linear)) < 1e-12:
        raise InputError(f"affine matrix {matrix.tolist()} squeezes the plane flat and cannot be inverted")
    inverse = np.linalg.inv(linear)
    return np.concatenate([inverse, -inverse @ matrix[:, 2:]], axis=1)


def compose_affine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The matrix, float64 (2, 3), that applies ``first``, then ``second``."""
    first, second = _checked_matrix(first), _checked_matrix(second)
    linear = second[:, :2] @ first
    linear[:, 2] += second[:, 2]
    answer: np.ndarray = linear
    return answer


def translation_affine(dx: float, dy: float) -> np.ndarray:
    """The matrix that adds (dx, dy) to a point."""
    return np.array([[1.0, 0.0, dx], [0.0, 1.0, dy]])


def resize_affine(old_size: tuple[int, int], new_size: tuple[int, int]) -> np.ndarray:
    """The matrix from an image's pixels to those of its resized copy; sizes are (height, width).

    The outer edges of the two images coincide, so the centre of the first pixel moves from 0 to scale / 2 - 1 / 2.
    """
    scale_y, scale_x = new_size[0] / old_size[0], new_size[1] / old_size[1]
    return np.array([[scale_x, 0.0, scale_x / 2 - 0.5], [0.0, scale_y, scale_y / 2 - 0.5]])


def transform_points(points: Sequence[tuple[float, float]] | np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Transform points (N, 2), as (x, y), by a matrix (2, 3); gives float64 (N, 2)."""
    matrix = _checked_matrix(matrix)
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    answer: np.ndarray = points @ matrix[:, :2].T + matrix[:, 2]
    return answer


def _checked_matrix(matrix: np.ndarray) -> np.ndarray:
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.shape != (2, 3) or not np.isfinite(matrix).all():
        raise InputError(f"an affine matrix has shape (2, 3) and finite numbers, got {matrix.shape}: {matrix.tolist()}")
    return matrix


def _check_request(image: Tensor, size: tuple[int, int], padding: str, mode: str) -> None:
    if image.ndim != 3 or 0 in image.shape or not image.is_floating_point():
        raise InputError(f"image: needs floating point (C, H, W), got {image.dtype} {tuple(image.shape)}")
    if len(size) != 2 or min(size) < 1:
        raise InputError(f"size: needs (height, width) of at least 1 px, got {size}")
    if padding not in _GRID_PADDING:
        raise InputError(f"padding: {padding!r} is not known; choose one of {', '.join(_GRID_PADDING)}")
    if mode not in _KERNEL_REACH_PX:
        raise InputError(f"mode: {mode!r} is not known; choose one of {', '.join(_KERNEL_REACH_PX)}")


def _working_copy(source: Tensor) -> Tensor:
    """At least float32, on a device that has all resampling operators: the window is small."""
    dtype = torch.promote_types(source.dtype, torch.float32)
    device = source.device if source.device.type in ("cpu", "cuda") else torch.device("cpu")
    return source.to(device=device, dtype=dtype)


def _shrink_factors(matrix: np.ndarray) -> tuple[float, float]:
    """How many input pixels one output pixel spans along the input's x and y axis; at least 1."""
    factors = np.hypot(matrix[:, 0], matrix[:, 1])
    return max(1.0, float(factors[0])), max(1.0, float(factors[1]))


def _input_window(
    matrix: np.ndarray, size: tuple[int, int], input_size: Sequence[int], padding: str, mode: str
) -> tuple[int, int, int, int]:
    """First and last column, first and last row of the input that the output can depend on."""
    bottom, right = size[0] - 1, size[1] - 1
    corners = transform_points([(0, 0), (right, 0), (0, bottom), (right, bottom)], matrix)
    window: list[int] = []
    for axis, (length, factor) in enumerate(zip((input_size[1], input_size[0]), _shrink_factors(matrix), strict=True)):
        # The prefilter's kernel and the sampling kernel each reach this far, in units of output pixels.
        margin = math.ceil(2 * _KERNEL_REACH_PX[mode] * factor) + 1
        window += _axis_window(corners[:, axis].min(), corners[:, axis].max(), length, margin, padding == "reflect")
    return window[0], window[1], window[2], window[3]


def _axis_window(low: float, high: float, length: int, margin: int, reflect: bool) -> tuple[int, int]:
    # A window that crosses the image's edge must start there, because mirroring happens at the window's edge.
    if reflect and low < -0.5:
        high = max(high, -1 - low)
    if reflect and high > length - 0.5:
        low = min(low, 2 * length - 1 - high)
    first = math.floor(max(low, 0.0)) - margin
    last = math.ceil(min(high, float(length))) + margin
    return min(max(first, 0), length - 1), min(max(last, 0), length - 1)


def _prefilter(source: Tensor, output_to_source: np.ndarray, mode: str) -> tuple[Tensor, np.ndarray]:
    """Shrink the source to about the output's scale; gives it and its matrix."""
    height, width = source.shape[-2:]
    factor_x, factor_y = _shrink_factors(output_to_source)
    new_width = max(1, round(width / factor_x)) if factor_x > _SHRINK_TOLERANCE else width
    new_height = max(1, round(height / factor_y)) if factor_y > _SHRINK_TOLERANCE else height
    if (new_height, new_width) == (height, width):
        return source, output_to_source
    small = F.interpolate(source[None], (new_height, new_width), mode=mode, align_corners=False, antialias=True)[0]
    return small, compose_affine(output_to_source, resize_affine((height, width), (new_height, new_width)))


def _sample_in_bands(
    source: Tensor, output_to_source: np.ndarray, size: tuple[int, int], padding: str, mode: str
) -> Tensor:
    height, width = size
    warped = source.new_empty((source.shape[0], height, width))
    band = max(1, _BAND_PX // width)
    for top in range(0, height, band):
        rows = min(band, height - top)
        grid = _sampling_grid(output_to_source, top, (rows, width), source)
        sampled = F.grid_sample(source[None], grid, mode=mode, padding_mode=_GRID_PADDING[padding], align_corners=False)
        warped[:, top : top + rows] = sampled[0]
    return warped


def _sampling_grid(matrix: np.ndarray, top: int, size: tuple[int, int], source: Tensor) -> Tensor:
    """(1, rows, width, 2) in grid_sample's units: -1 and 1 are the outer edges of the source."""
    xs = torch.arange(size[1], dtype=torch.float64, device=source.device)
    ys = torch.arange(top, top + size[0], dtype=torch.float64, device=source.device)[:, None]
    lengths = (source.shape[-1], source.shape[-2])
    grid = source.new_empty((1, *size, 2))
    for axis, ((per_x, per_y, offset), length) in enumerate(zip(matrix.tolist(), lengths, strict=True)):
        # Scaled to [-1, 1] while still one-dimensional: the only 2-D float64 work is one sum.
        along_x, along_y = xs * (2 * per_x / length), (ys * per_y + offset + 0.5) * (2 / length) - 1
        grid[0, ..., axis] = along_x + along_y
    return grid
