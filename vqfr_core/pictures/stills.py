"""Convert between picture files and drawings."""

from PIL import Image

from .convert import frame_to_array, to_tensor
from .picture import Frame, Picture, PictureInfo
from .picture_file import PictureFile


def flatten_frame(frame: Frame) -> Image.Image:
    """A frame as 8-bit RGB, composited over white."""
    return Image.fromarray(frame_to_array(frame, 8, is_gray=False, keep_alpha=False))


def first_frame(file: PictureFile) -> Picture:
    """The first frame of an open file as a picture; no other frame is decoded."""
    return Picture((next(file.frames()),), **vars(file.info))


def picture_of(image: Image.Image, like: PictureInfo) -> Picture:
    """A drawn image as a picture with the colour profile of the one it shows."""
    is_gray_profile = like.icc_profile is not None and like.icc_profile[16:20] == b"GRAY"
    return Picture((Frame(to_tensor(image)),), icc_profile=None if is_gray_profile else like.icc_profile)
