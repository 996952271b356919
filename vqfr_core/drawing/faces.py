"""Draw faces onto their picture: boxes, landmarks, numbers and scores, and why some are skipped."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from PIL import Image, ImageDraw

from ..types import Box, Face, FaceDetection, ImageFaces
from .text import Color, draw_tag, load_font, tag_size, text_size, wrap_text

_USED: Color = (40, 200, 90)
_SKIPPED: Color = (240, 120, 30)
_EDGE: Color = (0, 0, 0)
_TEXT: Color = (0, 0, 0)
_READABLE_SIDE_PX = 800
_MIN_TEXT_PX = 13


def draw_faces(image: Image.Image, found: ImageFaces, text_fraction: float = 1 / 70) -> Image.Image:
    """A copy of the picture with its faces: used ones in green with number and score, the others in orange.

    Small pictures are enlarged to keep the text readable. text_fraction: the text's height as a fraction of the
    picture's longer side, where faces are large enough for it; larger for a picture that will be shown small.
    """
    factor = max(1, -(-_READABLE_SIDE_PX // max(image.size)))
    size = image.width * factor, image.height * factor
    canvas = image.resize(size, Image.Resampling.LANCZOS) if factor > 1 else image.copy()
    draw = ImageDraw.Draw(canvas)
    scaled = scale_faces(found, factor)
    used = [_Mark(face.detection, _name(face), _USED) for face in scaled.used]
    left = [
        _Mark(face.detection, f"{_name(face)}  {face.skipped}", _SKIPPED)
        for face in scaled.faces
        if face.skipped is not None
    ]
    for mark in [*reversed(left), *reversed(used)]:
        _draw_face(draw, mark, max(size))
    if used or left:
        _draw_tags(draw, used + left, size, text_fraction * max(size))
    return canvas


def scale_faces(found: ImageFaces, factor: float) -> ImageFaces:
    """The same faces in the image resized by the factor; for drawing only."""
    return replace(found, faces=tuple(replace(face, detection=_scaled(face.detection, factor)) for face in found.faces))


def _name(face: Face) -> str:
    score = f"{face.detection.score:.2f}"
    return score if face.number is None else f"#{face.number}  {score}"


class _Mark(NamedTuple):
    """A face to draw."""

    face: FaceDetection
    """In pixels of the drawing."""
    text: str
    """The text of its tag."""
    color: Color
    """Of its box and its tag."""


def _draw_tags(draw: ImageDraw.ImageDraw, marks: Sequence[_Mark], size: tuple[int, int], most_text_px: float) -> None:
    """size: (width, height) of the drawing."""
    text_px = _text_height([mark.face.box for mark in marks], most_text_px)
    fonts = {_USED: load_font(text_px), _SKIPPED: load_font(max(_MIN_TEXT_PX, 0.55 * text_px))}
    tags: list[Box] = []
    for mark in marks:
        font = fonts[mark.color]
        text = wrap_text(mark.text, font, max(mark.face.box.width, text_size("smaller than", font)[0]))
        others = [other.face.box for other in marks if other is not mark]
        tag = _place(mark.face.box, tag_size(text, font), size, tags, others)
        tags.append(tag)
        draw_tag(draw, (round(tag.x0), round(tag.y0)), text, font, mark.color, _TEXT)


def _draw_face(draw: ImageDraw.ImageDraw, mark: _Mark, longest_px: int) -> None:
    face, color = mark.face, mark.color
    width = max(1, round(min(longest_px / 500, face.box.width / 12)))
    x0, y0, x1, y1 = (round(value) for value in face.box)
    draw.rectangle((x0 - 1, y0 - 1, x1 + 1, y1 + 1), outline=_EDGE, width=width + 2)
    draw.rectangle((x0, y0, x1, y1), outline=color, width=width)
    radius = max(1.5, min(longest_px / 350, face.box.width / 30))
    for x, y in face.landmarks:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), color, _EDGE)


def _text_height(boxes: Sequence[Box], most_px: float) -> float:
    """As large as the picture allows, but in proportion to the typical face."""
    usual = statistics.median(box.height for box in boxes) / 5
    return max(_MIN_TEXT_PX, min(most_px, usual))


def _place(box: Box, tag: tuple[int, int], size: tuple[int, int], tags: Sequence[Box], faces: Sequence[Box]) -> Box:
    """The place near the box and inside the picture where a tag covers least of other tags, other faces and its own."""

    def cost(place: Box) -> float:
        over_tags, over_faces = (sum(_common_area(place, other) for other in others) for others in (tags, faces))
        return 10 * over_tags + over_faces + 0.5 * _common_area(place, box)

    return min(_places(box, tag, size), key=cost)


def _places(box: Box, tag: tuple[int, int], size: tuple[int, int]) -> Iterator[Box]:
    """Above, below, beside and inside the box, best first."""
    (width, height), gap = tag, 2
    left, right, above, below = box.x0, box.x1 - width, box.y0 - height - gap, box.y1 + gap
    outside_left, outside_right, top, bottom = left - width - gap, box.x1 + gap, box.y0, box.y1 - height
    corners = [(left, above), (left, below), (right, above), (right, below), (outside_right, top), (outside_left, top)]
    corners += [(outside_right, bottom), (outside_left, bottom), (left, bottom), (left, top)]
    for x, y in corners:
        x, y = max(0.0, min(x, size[0] - width)), max(0.0, min(y, size[1] - height))
        yield Box(x, y, x + width, y + height)


def _common_area(one: Box, other: Box) -> float:
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return max(width, 0.0) * max(height, 0.0)


def _scaled(face: FaceDetection, factor: float) -> FaceDetection:
    """In the resized picture; pixel centres are at integers, so the edges move by half a pixel."""
    shift = (factor - 1) / 2
    box = Box(*(value * factor + shift for value in face.box))
    points = tuple(type(point)(point.x * factor + shift, point.y * factor + shift) for point in face.landmarks)
    return FaceDetection(box, points, face.score)
