import pytest
import torch

from vqfr_core.errors import InputError
from vqfr_core.pipeline.blending.background import output_size, prepare_background, resize_lanczos


def ramp(height: int, width: int) -> torch.Tensor:
    return torch.linspace(0.1, 0.9, width).expand(3, height, width).clone()


def test_output_size_is_rounded() -> None:
    assert output_size((101, 77), 1.5) == (152, 116)
    assert output_size((101, 77), 1.0) == (101, 77)
    for scale in (0.5, 4.5, float("nan")):
        with pytest.raises(InputError, match="scale"):
            output_size((10, 10), scale)


def test_enlarging_keeps_outer_edges_in_place() -> None:
    image = ramp(8, 64)
    large = resize_lanczos(image, (16, 128))
    expected = 0.1 + 0.8 / 63 * ((torch.arange(128) + 0.5) / 2 - 0.5)
    assert torch.allclose(large[0, 8, 10:-10], expected[10:-10], atol=5e-4)  # half a pixel would be 3e-3


def test_grey_stays_grey_and_overshoot_is_cut() -> None:
    image = torch.zeros(3, 20, 20)
    image[..., 10:] = 1.0
    large = resize_lanczos(image, (60, 60))
    assert torch.equal(large[0], large[1]) and torch.equal(large[0], large[2])
    assert float(large.min()) == 0.0 and float(large.max()) == 1.0
    assert float(resize_lanczos(image * 3, (60, 60)).max()) == 3.0


def test_the_image_itself_where_it_fits() -> None:
    image = ramp(8, 9)
    assert prepare_background(image, (8, 9), None) is image


def test_given_backgrounds_are_checked() -> None:
    image = ramp(8, 9)
    given = torch.zeros(3, 16, 18, dtype=torch.float64)
    assert prepare_background(image, (16, 18), given).dtype == torch.float32
    assert prepare_background(image, (16, 18), lambda im, size: given).shape == (3, 16, 18)
    for wrong in (torch.zeros(3, 16, 17), torch.zeros(1, 16, 18), torch.zeros(3, 16, 18, dtype=torch.uint8)):
        with pytest.raises(InputError, match="background"):
            prepare_background(image, (16, 18), wrong)
    with pytest.raises(InputError, match="NoneType"):
        prepare_background(image, (16, 18), lambda im, size: None)  # type: ignore[arg-type, return-value]


def test_enlarging_works_in_inference_mode():
    with torch.inference_mode():
        assert resize_lanczos(torch.rand(3, 8, 8), (16, 16)).shape == (3, 16, 16)
