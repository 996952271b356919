import pytest
import torch
from torch import Tensor

from stand_ins.upscalers import SmallUpscaler
from vqfr_core.errors import Cancelled, OutOfMemoryError, RestorationError
from vqfr_core.pipeline.enlarging.enlarger import Enlarger


@pytest.fixture
def picture(group: Tensor) -> Tensor:
    """(3, 150, 300), wide enough for several tiles of 256 px."""
    return group[:, 50:200, 100:400]


class Greedy(SmallUpscaler):
    """Has memory for tiles up to a size."""

    def __init__(self, most_px: int, message: str = "CUDA out of memory") -> None:
        super().__init__()
        self.most_px, self.message, self.seen = most_px, message, []

    def run(self, image: Tensor) -> Tensor:
        self.seen.append(max(image.shape[-2:]))
        if self.seen[-1] > self.most_px:
            raise RuntimeError(self.message)
        return super().run(image)


def test_tiles_are_halved_when_memory_runs_out(picture):
    whole = Enlarger(SmallUpscaler())(picture, (300, 600))
    upscaler = Greedy(192)
    upscaler.tile_px = 512
    told: list[tuple[int, int]] = []
    result = Enlarger(upscaler, lambda *done: told.append(done))(picture, (300, 600))
    torch.testing.assert_close(result, whole, atol=1e-4, rtol=0)
    assert upscaler.tile_px == 128 and told[-1] == (8, 8)
    upscaler.seen.clear()
    Enlarger(upscaler)(picture, (300, 600))
    assert max(upscaler.seen) == 128, "the next picture starts with what fits"


def test_memory_for_no_tile_is_an_error_that_says_what_to_do(picture):
    with pytest.raises(OutOfMemoryError, match="not enough memory on cpu for even 96 px of the background"):
        Enlarger(Greedy(10))(picture, (300, 600))


def test_another_failure_is_told(picture):
    with pytest.raises(RestorationError, match=r"small \(two convolutions\) failed on the background: too odd"):
        Enlarger(Greedy(10, "too odd"))(picture, (300, 600))


def test_a_grey_picture_stays_grey(picture):
    grey = picture[:1].expand(3, -1, -1)
    result = Enlarger(SmallUpscaler())(grey, (150, 300))
    assert torch.equal(result[0], result[1]) and torch.equal(result[0], result[2]) and result.std() > 0.01
    coloured = Enlarger(SmallUpscaler())(picture, (150, 300))
    assert not torch.equal(coloured[0], coloured[1])


def test_more_than_eight_bits_and_values_out_of_range(picture):
    result = Enlarger(SmallUpscaler())(picture * 1.5 - 0.2, (150, 300))
    assert result.dtype == torch.float32 and result.min() >= 0 and result.max() <= 1
    assert len((result * 255).frac().unique()) > 1000
    torch.testing.assert_close(result, Enlarger(SmallUpscaler())((picture * 1.5 - 0.2).clamp(0, 1), (150, 300)))


def test_what_is_kept_is_made_once(picture):
    upscaler = Greedy(1024)
    enlarger = Enlarger(upscaler, kept={})
    first = enlarger(picture, (150, 300))
    assert enlarger(picture, (150, 300)) is first and len(upscaler.seen) == 1
    enlarger(picture, (300, 600))
    assert list(enlarger.kept) == [(300, 600)]


def test_notes_say_how_scales_meet():
    def notes(own: int, scale: float) -> list[str]:
        return Enlarger(SmallUpscaler(own)).notes(scale)

    assert notes(4, 1) == ["small enlarges 4 times; the background was reduced to the output scale 1"]
    assert notes(2, 4) == ["small enlarges 2 times; the rest of the output scale 4 was done by Lanczos"]
    assert notes(2, 2) == notes(1, 1) == notes(1, 2) == []


def test_stopping(picture):
    with pytest.raises(Cancelled):
        Enlarger(SmallUpscaler())(picture, (150, 300), lambda: True)
