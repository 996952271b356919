"""Brightness of colours, by the weights of ITU-R BT.601."""

from torch import Tensor


def luma(image: Tensor) -> Tensor:
    """(1, H, W), in the range of the image's values. image: RGB (3, H, W)."""
    red, green, blue = image[0:1], image[1:2], image[2:3]
    return 0.299 * red + 0.587 * green + 0.114 * blue
