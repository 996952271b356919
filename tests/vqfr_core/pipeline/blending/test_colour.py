import pytest
import torch
from torch.nn import functional as F

from vqfr_core.errors import InputError
from vqfr_core.pipeline.blending.colour import is_grey, luma, match_color


def random_picture(seed: int, size_px: int = 256, cells: int = 16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand((1, 3, cells, cells), generator=generator) * 0.4 + 0.3
    return F.interpolate(coarse, (size_px, size_px), mode="bilinear")[0]


def details(seed: int, size_px: int = 256) -> torch.Tensor:
    noise = torch.randn((1, 1, size_px, size_px), generator=torch.Generator().manual_seed(seed))
    return (noise - F.avg_pool2d(noise, 9, 1, 4))[0] * 0.03


FULL = torch.ones(1, 256, 256)


def test_a_tint_is_taken_away() -> None:
    source = random_picture(0)
    tinted = source + torch.tensor([0.08, -0.05, 0.02]).view(3, 1, 1)
    result = match_color(tinted, source, FULL, 1.0)
    assert float((result - source).abs().max()) < 0.003
    half = match_color(tinted, source, FULL, 0.5)
    assert float((half - (tinted + source) / 2).abs().max()) < 0.003


def test_a_slow_change_of_light_is_followed() -> None:
    source = random_picture(0)
    ramp = torch.linspace(-0.1, 0.1, 256).expand(1, 256, 256)
    result = match_color(source + ramp, source, FULL, 1.0)
    assert float((result - source)[:, 48:-48, 48:-48].abs().mean()) < 0.01


def test_sharpness_and_contrast_of_detail_survive() -> None:
    source = random_picture(0)
    sharp = source + details(1) + 0.05
    result = match_color(sharp, source, FULL, 1.0)
    before, after = sharp - F.avg_pool2d(sharp, 9, 1, 4), result - F.avg_pool2d(result, 9, 1, 4)
    assert float((before - after)[:, 8:-8, 8:-8].abs().max()) < 0.002


def test_what_agrees_is_not_changed() -> None:
    picture = random_picture(3)
    assert torch.equal(match_color(picture, picture, FULL, 1.0), picture)


def test_colours_outside_the_mask_have_no_say() -> None:
    restored, source = random_picture(0), random_picture(0)
    mask = torch.zeros(1, 256, 256)
    mask[:, 64:192, 64:192] = 1.0
    source[:, mask[0] == 0] = 1.0
    result = match_color(restored, source, mask, 1.0)
    assert float((result - restored)[:, 64:192, 64:192].abs().max()) < 0.06
    assert float((result - restored)[:, 96:160, 96:160].abs().max()) < 1e-3


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0])
def test_grey_stays_exactly_neutral(strength: float) -> None:
    source = luma(random_picture(0)).expand(3, -1, -1)
    result = match_color(random_picture(1), source, FULL, strength)
    assert torch.equal(result[0], result[1]) and torch.equal(result[0], result[2])


def test_a_grey_face_in_a_coloured_picture_is_grey() -> None:
    source = random_picture(0)
    source[:, 64:192, 64:192] = luma(source)[:, 64:192, 64:192]
    mask = torch.zeros(1, 256, 256)
    mask[:, 70:180, 70:180] = 1.0
    assert is_grey(source, mask) and not is_grey(source, FULL)
    result = match_color(random_picture(1), source, mask, 1.0)
    assert torch.equal(result[0], result[2])


def test_grey_source_still_passes_its_brightness_on() -> None:
    source = luma(random_picture(0)).expand(3, -1, -1)
    result = match_color(random_picture(0) + 0.1, source, FULL, 1.0)
    assert float((result - source).abs().mean()) < 0.005


@pytest.mark.parametrize("value", [0.0, 1e-42, 1e-9, 1.0])
def test_tiny_masks_are_stable(value: float) -> None:
    mask = torch.zeros(1, 256, 256)
    mask[0, 100, 37] = value
    result = match_color(random_picture(1), random_picture(2), mask, 1.0)
    assert bool(torch.isfinite(result).all())
    assert float(result.min()) >= 0.0 and float(result.max()) <= 1.0


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (40, 300)])
def test_any_size_works(size: tuple[int, int]) -> None:
    restored, source = torch.full((3, *size), 0.2), torch.rand((3, *size))
    result = match_color(restored, source, torch.ones(1, *size), 1.0)
    assert result.shape == (3, *size) and bool(torch.isfinite(result).all())


def test_half_precision_and_extremes() -> None:
    white, black = torch.ones(3, 64, 64), torch.zeros(3, 64, 64)
    result = match_color(white.half(), black, torch.ones(1, 64, 64), 1.0)
    assert result.dtype == torch.float32 and float(result.max()) < 1e-3


def test_wrong_arguments_are_refused() -> None:
    picture = random_picture(0)
    with pytest.raises(InputError, match="same shape"):
        match_color(picture, picture[:, :10], FULL, 1.0)
    with pytest.raises(InputError, match="mask"):
        match_color(picture, picture, FULL[0], 1.0)
    with pytest.raises(InputError, match="strength"):
        match_color(picture, picture, FULL, 1.5)
