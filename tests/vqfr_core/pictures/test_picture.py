import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pictures.picture import Frame, Picture


def gray_ramp(size):
    return torch.linspace(0, 1, size).expand(1, size, size).clone()


def test_with_images_keeps_everything_else():
    alpha = gray_ramp(4)
    frames = (Frame(torch.zeros(3, 4, 4), alpha, 40.0), Frame(torch.zeros(3, 4, 4), alpha, 60.0))
    picture = Picture(frames, bit_depth=16, icc_profile=b"icc", exif=b"exif", text={"a": "b"}, dpi=(72, 72), loop=3)
    changed = picture.with_images([torch.ones(3, 4, 4), torch.ones(3, 4, 4)])
    assert [float(image.min()) for image in changed.images] == [1.0, 1.0]
    assert changed.frames[0].alpha is alpha
    assert [frame.duration_ms for frame in changed.frames] == [40.0, 60.0]
    assert (changed.bit_depth, changed.icc_profile, changed.exif, changed.text, changed.dpi, changed.loop) == (
        16,
        b"icc",
        b"exif",
        {"a": "b"},
        (72, 72),
        3,
    )
    assert float(picture.images[0].max()) == 0.0


def test_with_images_resizes_alpha():
    picture = Picture([Frame(torch.zeros(3, 8, 8), gray_ramp(8))])
    alpha = picture.with_images([torch.zeros(3, 16, 24)]).frames[0].alpha
    assert alpha.shape == (1, 16, 24)
    assert alpha.min() >= 0 and alpha.max() <= 1
    assert torch.all(alpha[0, 0].diff() > -1e-3), "the ramp has to stay a ramp"


def test_with_images_needs_one_for_each_frame():
    with pytest.raises(InputError, match="1 frames, but 2"):
        Picture([Frame(torch.zeros(3, 4, 4))]).with_images([torch.zeros(3, 4, 4)] * 2)


@pytest.mark.parametrize(
    "image", [torch.zeros(4, 4), torch.zeros(1, 4, 4), torch.zeros(3, 0, 4), torch.zeros(3, 4, 4, dtype=torch.uint8)]
)
def test_images_of_another_form_are_refused(image):
    with pytest.raises(InputError, match="float32"):
        Frame(image)


def test_alpha_has_the_size_of_the_image():
    with pytest.raises(InputError, match="same size"):
        Frame(torch.zeros(3, 4, 4), torch.zeros(1, 4, 5))


def test_a_picture_has_frames_and_a_known_depth():
    with pytest.raises(InputError, match="at least one"):
        Picture([])
    with pytest.raises(InputError, match="12"):
        Picture([Frame(torch.zeros(3, 4, 4))], bit_depth=12)


def test_the_oldest_fields_may_be_given_by_position():
    frame = Frame(torch.zeros(3, 4, 4))
    picture = Picture((frame,), True, 16, None, b"exif", {"a": "b"}, (72.0, 72.0), 3, "PNG")
    assert picture.frames == (frame,) and (picture.is_gray, picture.bit_depth, picture.exif) == (True, 16, b"exif")
    assert (picture.text, picture.dpi, picture.loop, picture.source_format) == ({"a": "b"}, (72.0, 72.0), 3, "PNG")
    with pytest.raises(TypeError, match="positional"):
        Picture((frame,), True, 16, None, b"exif", {}, None, 3, "PNG", b"xmp")
