"""A picture in memory: its frames and its file's metadata."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ..errors import InputError


@dataclass(frozen=True, eq=False)
class Frame:
    """One still: a whole photograph, or one moment of an animation."""

    image: Tensor
    """RGB float32 in [0, 1], (3, H, W). A grey picture has three equal channels."""
    alpha: Tensor | None = None
    """Opacity, float32 in [0, 1], (1, H, W); None if the picture has no transparency. Colours are not premultiplied."""
    duration_ms: float | None = None
    """How long an animation shows this frame, in milliseconds."""
    colors: np.ndarray | None = None
    """Of a GIF's frame, the colours it was stored with, ascending 0xRRGGBB; a GIF written from it keeps them."""
    own_info: "PictureInfo | None" = None
    """Of a TIFF's later page, what it says of itself; None if all that is known is the file's."""

    def __post_init__(self) -> None:
        _check_plane("image", self.image, 3)
        if self.alpha is not None:
            _check_plane("alpha", self.alpha, 1)
            if self.alpha.shape[1:] != self.image.shape[1:]:
                raise InputError(
                    f"alpha is {_size_text(self.alpha)} and the image {_size_text(self.image)}; make them the same size"
                )

    def with_image(self, image: Tensor) -> "Frame":
        """The same frame with another image, of any size: its alpha is resized if the size differs."""
        return dataclasses.replace(self, image=image, alpha=_resize_alpha(self.alpha, image))


@dataclass(frozen=True, eq=False)
class PictureInfo:
    """A picture file's metadata. Reading, restoring and writing keep all of it."""

    is_gray: bool = False
    """The file stores one channel of brightness, and is written that way."""
    bit_depth: int = 8
    """Bits a channel has in the file (of several pages, the most): 8, 16, or 32 for floating point."""
    icc_profile: bytes | None = None
    """Colour profile as embedded in the file; None means sRGB."""
    exif: bytes | None = None
    """EXIF block beginning with its TIFF header. Its orientation is normal: the frames are already upright."""
    text: Mapping[str, str] = field(default_factory=dict)
    """Text entries of a PNG, such as generation parameters, and the comment of a JPEG or GIF under "comment"."""
    dpi: tuple[float, float] | None = None
    """Pixels per inch across and down."""
    loop: int = 0
    """How often an animation plays; 0 means forever."""
    source_format: str | None = None
    """Format of the source file, in Pillow's spelling, e.g. "JPEG"."""
    _: KW_ONLY
    xmp: bytes | None = None
    """XMP packet. Its orientation is normal, too."""
    iptc: bytes | None = None
    """IPTC-IIM records, such as captions and credits."""
    color_chunks: Mapping[bytes, bytes] = field(default_factory=dict)
    """A PNG's chunks gAMA, cHRM, cICP and sRGB: how its numbers mean colours."""
    is_lossless: bool = False
    """The file is a WebP stored without loss, and is written that way."""
    losses: tuple[str, ...] = ()
    """What a changed picture cannot keep, such as a gain map; `write_frames` says so."""

    def __post_init__(self) -> None:
        if self.bit_depth not in (8, 16, 32):
            raise InputError(f"bit_depth is {self.bit_depth}; use 8, 16, or 32 for floating point")


@dataclass(frozen=True, eq=False)
class _Frames:
    """The last of a picture's bases, so that its frames are the first argument."""

    frames: tuple[Frame, ...]
    """At least one; more for an animation, or a TIFF of several pages."""


@dataclass(frozen=True, eq=False)
class Picture(PictureInfo, _Frames):
    """A whole picture in memory: its frames and its file's metadata."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "frames", tuple(self.frames))
        if not self.frames:
            raise InputError("a picture needs at least one frame")

    @property
    def images(self) -> list[Tensor]:
        """The frames' images, each RGB float32 in [0, 1], (3, H, W)."""
        return [frame.image for frame in self.frames]

    @property
    def is_animated(self) -> bool:
        """Whether it has more than one frame."""
        return len(self.frames) > 1

    def with_images(self, images: Sequence[Tensor]) -> "Picture":
        """The same picture with other images, one for each frame.

        images: RGB float32 in [0, 1], (3, H, W), of any size: alpha is resized with them, and unchanged if the size is.
        Raises InputError if the number of images is not the number of frames.
        """
        if len(images) != len(self.frames):
            raise InputError(f"the picture has {len(self.frames)} frames, but {len(images)} images were given")
        frames = tuple(frame.with_image(image) for frame, image in zip(self.frames, images, strict=True))
        return dataclasses.replace(self, frames=frames)


def _resize_alpha(alpha: Tensor | None, image: Tensor) -> Tensor | None:
    size = image.shape[-2:]
    if alpha is None or alpha.shape[-2:] == size:
        return alpha
    resized = functional.interpolate(alpha[None], size=size, mode="bicubic", align_corners=False, antialias=True)
    return resized[0].clamp(0.0, 1.0)


def _check_plane(name: str, plane: Tensor, num_channels: int) -> None:
    if plane.ndim != 3 or plane.shape[0] != num_channels or 0 in plane.shape or plane.dtype != torch.float32:
        raise InputError(
            f"{name} is {plane.dtype} of shape {tuple(plane.shape)}; it must be float32, ({num_channels}, H, W)"
        )


def _size_text(plane: Tensor) -> str:
    return f"{plane.shape[-1]} x {plane.shape[-2]} px"
