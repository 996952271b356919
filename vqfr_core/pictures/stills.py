"""Convert between picture files and drawings."""

from PIL import Image

from .convert import to_pil, to_tensor
from .picture import Frame, Picture, PictureInfo
from .picture_file import PictureFile


def flatten_frame(frame: Frame) -> Image.Image:
    """A frame as 8-bit RGB, composited over white."""
    if frame.alpha is None:
        return to_pil(frame.image)
    return to_pil((frame.image * frame.alpha + (1 - frame.alpha)).clamp_(0, 1))


def first_frame(file: PictureFile) -> Picture:
    """The first frame of an open file as a picture; no other frame is decoded."""
    return Picture((next(file.frames()),), **vars(file.info))


def picture_of(image: Image.Image, like: PictureInfo) -> Picture:
    """A drawn image as a picture with the colour profile of the one it shows."""
    is_gray_profile = like.icc_profile is not None and like.icc_profile[16:20] == b"GRAY"
    return Picture((Frame(to_tensor(image)),), icc_profile=None if is_gray_profile else like.icc_profile)
