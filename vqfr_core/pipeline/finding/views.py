"""The views of an image for the face detector: the whole at bounded size, smaller ones, tiles, rotations."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ...networks.base import Detector, RawFaces
from ..affine import compose_affine, resize_affine, transform_points, translation_affine

_MAX_SINGLE_VIEW_PX = 512  # a larger view gets a smaller companion
_COMPANION_RATIO = 4
_TILE_OVERLAP = 0.25  # a face up to this fraction of a tile is whole in one of them; larger ones are in the overview
_TILE_EDGE_PX = 2


@dataclass(frozen=True, eq=False)
class View:
    """A rectangle of an image at a certain size, rotated by quarter turns."""

    image_index: int
    """Which image it shows."""
    window: tuple[int, int, int, int]
    """First and one past the last column, first and one past the last row of the image: x0, x1, y0, y1."""
    size: tuple[int, int]
    """(height, width) in view pixels, before turning."""
    quarter_turns: int = 0
    """Number of 90 degree turns counter-clockwise."""
    max_face_px: float = math.inf
    """Larger faces, in view pixels, are left to another view."""
    open_sides: tuple[bool, bool, bool, bool] = (False, False, False, False)
    """Whether the image continues beyond the left, right, top and bottom side of the window."""
    stride_px: int = 1
    """Height and width of the picture for the network are multiples of this."""

    @property
    def padded_size(self) -> tuple[int, int]:
        """(height, width) of the picture for the network: rotated and padded to what it accepts."""
        height, width = self.size if self.quarter_turns % 2 == 0 else self.size[::-1]
        return _round_up(height, self.stride_px), _round_up(width, self.stride_px)


def plan_views(
    image_index: int,
    image_size: tuple[int, int],
    detection_size_px: int,
    detector: Detector,
    *,
    tiles: bool,
    rotations: bool,
) -> list[View]:
    """The views of one image of (height, width); without tiles their cost does not grow with the image."""
    views = _overviews(image_index, image_size, detection_size_px, detector)
    if tiles and max(image_size) > detection_size_px:
        views += _tiles(image_index, image_size, detection_size_px, detector)
    turns = range(4) if rotations else range(1)
    return [replace(view, quarter_turns=turn, stride_px=detector.stride_px) for turn in turns for view in views]


def render_view(image: Tensor, view: View, fill: tuple[float, float, float]) -> Tensor:
    """RGB (3, *padded_size) from the view's image (3, H, W), antialiased; padded with the colour `fill`."""
    x0, x1, y0, y1 = view.window
    picture = image[:, y0:y1, x0:x1].float()
    if picture.device.type != "cuda":
        picture = picture.cpu()  # other devices lack the resampling operators
    if tuple(picture.shape[-2:]) != view.size:
        picture = F.interpolate(picture[None], view.size, mode="bilinear", align_corners=False, antialias=True)[0]
    picture = torch.rot90(picture, view.quarter_turns, (1, 2))
    colour = torch.tensor(fill, dtype=picture.dtype, device=picture.device).view(3, 1, 1)
    padded = colour.expand(3, *view.padded_size).clone()
    padded[:, : picture.shape[1], : picture.shape[2]] = picture
    return padded


def faces_in_image(faces: RawFaces, view: View) -> RawFaces:
    """The faces found in a view, in image pixels, except those another view sees better."""
    sides = faces.boxes[:, 2:] - faces.boxes[:, :2]
    faces = faces.take(sides.max(axis=1, initial=0) <= view.max_face_px)
    matrix = _view_to_image(view)
    corners = transform_points(faces.boxes.reshape(-1, 2), matrix).reshape(-1, 2, 2)
    boxes = np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
    landmarks = transform_points(faces.landmarks.reshape(-1, 2), matrix).reshape(-1, 5, 2)
    moved = RawFaces(boxes, landmarks, faces.scores)
    return moved.take(~_cut_by_tile(boxes, view))


def _overviews(image_index: int, image_size: tuple[int, int], detection_size_px: int, detector: Detector) -> list[View]:
    height, width = image_size
    longer = max(image_size)
    side = min(max(longer, detector.min_view_px), detection_size_px)
    sides = [side]
    while side > _MAX_SINGLE_VIEW_PX:
        side = max(side // _COMPANION_RATIO, detector.min_view_px)
        sides.append(side)
    return [
        View(
            image_index,
            (0, width, 0, height),
            (max(1, round(height * side / longer)), max(1, round(width * side / longer))),
            max_face_px=math.inf if side == sides[-1] else detector.max_face_px,
        )
        for side in sides
    ]


def _tiles(image_index: int, image_size: tuple[int, int], tile_px: int, detector: Detector) -> list[View]:
    height, width = image_size
    views = []
    for y0, y1 in _spans(height, tile_px):
        for x0, x1 in _spans(width, tile_px):
            open_sides = (x0 > 0, x1 < width, y0 > 0, y1 < height)
            views.append(View(image_index, (x0, x1, y0, y1), (y1 - y0, x1 - x0), 0, detector.max_face_px, open_sides))
    return views


def _spans(length: int, tile_px: int) -> list[tuple[int, int]]:
    """Stretches of ``tile_px`` that cover ``length`` with even overlap."""
    if length <= tile_px:
        return [(0, length)]
    count = math.ceil((length - tile_px) / (tile_px * (1 - _TILE_OVERLAP))) + 1
    starts = [round(i * (length - tile_px) / (count - 1)) for i in range(count)]
    return [(start, start + tile_px) for start in starts]


def _view_to_image(view: View) -> np.ndarray:
    x0, x1, y0, y1 = view.window
    upright_to_image = compose_affine(
        resize_affine(view.size, (y1 - y0, x1 - x0)), translation_affine(float(x0), float(y0))
    )
    return compose_affine(_turned_to_upright(view.size, view.quarter_turns), upright_to_image)


def _turned_to_upright(size: tuple[int, int], quarter_turns: int) -> np.ndarray:
    """Map pixels of a picture turned counter-clockwise to those before; size is (height, width) before."""
    bottom, right = size[0] - 1.0, size[1] - 1.0
    matrices = (
        [[1, 0, 0], [0, 1, 0]],
        [[0, -1, right], [1, 0, 0]],
        [[-1, 0, right], [0, -1, bottom]],
        [[0, 1, 0], [-1, 0, bottom]],
    )
    return np.array(matrices[quarter_turns % 4], dtype=np.float64)


def _cut_by_tile(boxes: np.ndarray, view: View) -> np.ndarray:
    """Which boxes touch a side beyond which the image continues: a neighbouring tile shows more of them."""
    x0, x1, y0, y1 = view.window
    left, right, top, bottom = view.open_sides
    cut = np.zeros(len(boxes), dtype=bool)
    for is_open, beyond in (
        (left, boxes[:, 0] < x0 + _TILE_EDGE_PX),
        (right, boxes[:, 2] > x1 - 1 - _TILE_EDGE_PX),
        (top, boxes[:, 1] < y0 + _TILE_EDGE_PX),
        (bottom, boxes[:, 3] > y1 - 1 - _TILE_EDGE_PX),
    ):
        cut |= is_open & beyond
    return cut


def _round_up(length: int, step: int) -> int:
    return -(-length // step) * step
