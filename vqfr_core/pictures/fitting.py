"""Metadata for a file about to be written."""

import dataclasses

from . import exif as blocks
from . import xmp as packets
from .formats import Format
from .picture import PictureInfo


def fit_info(info: PictureInfo, format: Format, height: int, width: int) -> PictureInfo:
    """The metadata for a picture of this size in pixels: a size that they state is that one.

    A profile for grey is left out if the file will hold colours, and one for colours if it will hold grey.
    """
    exif = None if info.exif is None else blocks.resize(info.exif, width, height)
    xmp = None if info.xmp is None else packets.resize(info.xmp, width, height)
    fitting = dataclasses.replace(info, exif=exif, xmp=xmp)
    is_gray = info.is_gray and format.gray
    if info.icc_profile is None or (info.icc_profile[16:20] == b"GRAY") == is_gray:
        return fitting
    losses = (*info.losses, "its colour profile, which would not fit")
    return dataclasses.replace(fitting, icc_profile=None, losses=losses)
