"""Read HEIC and HEIF by pi-heif, the extra `heif`, through its own functions: nothing is registered with Pillow."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..extras import how_to_install
from . import xmp as packets
from .boxes import boxes_of
from .cicp import NOT_STATED, cicp_of
from .convert import Kind, divide_by_alpha, pixels_from_array
from .exif import take_orientation
from .guard import check_content, check_size
from .leftovers import BOXES, DEPTH_MAP, GAIN_MAP, in_words, name_of
from .picture import Frame, PictureInfo
from .picture_file import PictureFile
from .pillow_metadata import usable_profile


class HeifFile(PictureFile):
    """See `PictureFile`. Only the main picture counts. The decoder turns it upright, whatever its EXIF block says."""

    def __init__(self, path: Path, head: bytes, max_frame_pixels: int, max_pixels: int | None) -> None:
        """Raises InputError if it has too many pixels, or pi-heif is missing."""
        try:
            import pi_heif
        except ImportError as error:
            install = how_to_install("heif", "pi-heif")
            raise InputError(f"{path}: reading HEIC needs the package pi-heif; install it with: {install}") from error
        self.path = path
        pictures = pi_heif.open_heif(path, convert_hdr_to_8bit=False)
        self._image = pictures[pictures.primary_index]
        width, height = self._image.size
        self.num_frames, self.size, self.num_pixels = 1, (height, width), height * width
        check_size(path, self.num_pixels, max_frame_pixels)
        check_content(path, self.num_pixels)
        facts = self._image.info
        depth = 16 if facts["bit_depth"] > 8 else 8
        self._take_kinds(
            _read_info(facts, boxes_of(path.read_bytes()), len(pictures)),
            [Kind(self._image.mode[0] in "LI", self._image.has_alpha, depth)],
        )

    def close(self) -> None:
        """Nothing to do: the file is in memory."""

    def _decode(self, number: int) -> Frame:
        array = np.asarray(self._image)
        if array.dtype == np.uint16:  # the bits are at the upper end
            bits = self._image.info["bit_depth"]
            array = np.rint((array >> (16 - bits)) * (65535 / (2**bits - 1))).astype(np.uint16)
        pixels = pixels_from_array(array)
        if self._image.premultiplied_alpha:
            pixels = divide_by_alpha(pixels)
        return Frame(pixels.image, pixels.alpha)


def _read_info(facts: Mapping[str, Any], boxes: Iterable[bytes], num_pictures: int) -> PictureInfo:
    exif, xmp, profile = facts.get("exif"), facts.get("xmp") or b"", usable_profile(facts.get("icc_profile"))
    losses = [GAIN_MAP] if any("gainmap" in kind.lower() for kind in facts.get("aux", {})) else []
    losses += [DEPTH_MAP] if facts.get("depth_images") else []
    losses += in_words(map(name_of, boxes), BOXES)
    losses += [f"its {num_pictures - 1} further pictures"] if num_pictures > 1 else []
    return PictureInfo(
        icc_profile=profile,
        exif=take_orientation(exif)[1] if exif else None,
        xmp=packets.carried(packets.in_utf8(xmp), 1),
        color_chunks=cicp_of(*_color_codes(facts.get("nclx_profile"))) if profile is None else {},
        source_format="HEIF",
        losses=tuple(losses),
    )


def _color_codes(nclx: Mapping[str, Any] | None) -> tuple[int, int]:
    """Primaries and transfer function; decoding makes RGB of full range."""
    return (nclx["color_primaries"], nclx["transfer_characteristics"]) if nclx else NOT_STATED
