import pytest
import torch
from torch import Tensor

from stand_ins.upscalers import SmallUpscaler
from vqfr_core.errors import Cancelled, RestorationError
from vqfr_core.pipeline.enlarging.tiles import enlarge_in_tiles


@pytest.fixture
def picture(group: Tensor) -> Tensor:
    """(3, 131, 230), with faces."""
    return group[:, 60:191, 100:330]


def enlarged(image: Tensor, scale: float, tile_px: int, hidden_px: int = 8, own_scale: int = 2, **more) -> Tensor:
    size = (round(image.shape[1] * scale), round(image.shape[2] * scale))
    upscaler = SmallUpscaler(own_scale)
    return enlarge_in_tiles(image, upscaler, size, tile_px=tile_px, hidden_px=hidden_px, **more)


@pytest.mark.parametrize(("own", "scale"), [(2, 2.0), (2, 1.0), (2, 1.3), (2, 4.0), (1, 1.0), (1, 1.5)])
def test_tiles_equal_one_piece(picture, own, scale):
    whole = enlarged(picture, scale, 1024, own_scale=own)
    tiled = enlarged(picture, scale, 128, own_scale=own)
    assert tiled.shape == whole.shape and whole.std() > 0.02
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)
    short = enlarged(picture, scale, 82, hidden_px=1, own_scale=own)
    assert (short - whole).abs().max() > 1 / 255, "with less overlap the difference has to show"


def test_one_piece_is_what_the_network_gives(picture):
    with torch.inference_mode():
        (own,) = SmallUpscaler().run(picture[None])
    torch.testing.assert_close(enlarged(picture, 2.0, 1024), own)


def test_progress_and_cancelling(picture):
    told: list[tuple[int, int]] = []
    enlarged(picture, 1.0, 128, progress=lambda *done: told.append(done))
    assert told == [(done, 6) for done in range(7)]
    told.clear()
    with pytest.raises(Cancelled, match="Stopped after 2 of 6 tiles of the background"):
        enlarged(picture, 1.0, 128, progress=lambda *done: told.append(done), should_stop=lambda: len(told) > 2)


def test_numbers_that_are_not_finite_are_told(picture):
    upscaler = SmallUpscaler()
    upscaler.module[0].bias[:] = torch.inf
    upscaler.module[2].bias[:] = torch.nan
    with pytest.raises(RestorationError, match=r"small \(two convolutions\) gave no usable picture in fp32"):
        enlarge_in_tiles(picture, upscaler, (131, 230), tile_px=128, hidden_px=8)
